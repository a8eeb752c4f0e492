"""How well people are found without identifiers: ours on pseudonyms only, beside Splink 5 on the clear text; and how fast.

    python -m benchmarks.linkage [--scale 5000000] [--partnership 0.1]

One line a set, the figures as JSON in benchmarks/out/linkage.json. Ours reads a record's clear text at the agency's side alone: match keys,
pseudonyms, re-keying, linking, as in a partnership. `--partnership` invents one of this scale and links its people; `--scale` times as many records.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.linkage_sets import RULES, Pairs, Score, Set, linked, sets
from benchmarks.linkage_splink import best, scored_pairs
from benchmarks.linkage_synthetic import synthetic
from benchmarks.measure import OUT, ROOT, in_fresh_process

WITHIN = 0.02
_MONTHS = ("--seed", "2", "--from", "2023-01", "--to", "2024-12")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every set, say a line of each and write the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.linkage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=int, default=0, metavar="RECORDS")
    parser.add_argument("--partnership", type=float, default=0.1, metavar="F")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        _invent(Path(folder) / "made", given.partnership)
        measured = [_measured(one) for one in (*sets(), *synthetic(Path(folder) / "made"))]
    figures: dict[str, Any] = {"within": WITHIN, "partnership": given.partnership, "sets": measured}
    if given.scale:
        figures["scale"] = [in_fresh_process("benchmarks.linkage_scale", str(given.scale), str(threads)) for threads in (2, 1)]
        _say_scale(figures["scale"][0])
    elif (OUT / "linkage.json").exists():
        figures |= {
            name: value for name, value in json.loads((OUT / "linkage.json").read_text(encoding="utf-8")).items() if name == "scale"
        }
    OUT.mkdir(exist_ok=True)
    (OUT / "linkage.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _invent(folder: Path, scale: float) -> None:
    command = [str(Path(sys.executable).parent / "exchange-agency"), "synthesise", "--out", str(folder), "--scale", str(scale), *_MONTHS]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)


def _measured(given: Set) -> dict[str, Any]:
    """Both, with the set's own numbers and without; and what each key adds."""
    truth = given.truth()
    found: dict[str, Any] = {"set": given.name, "rows": len(given.who), "pairs": len(truth)}
    for name, identifier in (("with its numbers", True), ("without numbers", False)):
        ours = linked(given, RULES, identifier=identifier)
        widest = best(given, scored_pairs(given, identifier=identifier, same_columns=False))
        same = (
            best(given, scored_pairs(given, identifier=identifier, same_columns=True))
            if given.across or given.name.startswith("febrl")
            else widest
        )
        mine, theirs = Score.of(ours, truth), max(widest[0], same[0], key=lambda score: score.f1)
        found[name] = {
            "ours": asdict(mine),
            "splink": asdict(widest[0]) | {"threshold": widest[1], "of": widest[2]},
            "splink, our columns": asdict(same[0]) | {"threshold": same[1], "of": same[2]},
            "behind": round(theirs.f1 - mine.f1, 4),
            "reached": theirs.f1 - mine.f1 <= WITHIN,
        }
        if given.labels:
            found[name]["labelled"] = {"ours": _labelled(given, ours), "splink": _labelled(given, widest[3])}
        verdict = "reached" if found[name]["reached"] else "NOT REACHED"
        print(
            f"linkage   {given.name}, {name}: ours F1 {mine.f1:.4f} (precision {mine.precision:.4f}, recall {mine.recall:.4f}), against "
            f"Splink {theirs.f1:.4f}; behind {theirs.f1 - mine.f1:.4f}, limit <= {WITHIN}: {verdict}",
            flush=True,
        )
    found["keys"] = _keys(given, truth)
    return found


def _keys(given: Set, truth: Pairs) -> dict[str, Any]:
    """Of each key, without the set's own numbers: alone, the keys up to it, and all but it."""
    found = {}
    for place, rule in enumerate(RULES):
        chosen = {"alone": (rule,), "up to it": RULES[: place + 1], "all but it": RULES[:place] + RULES[place + 1 :]}
        found[rule] = {name: asdict(Score.of(linked(given, rules, identifier=False), truth)) for name, rules in chosen.items()}
    return found


def _labelled(given: Set, pairs: Pairs) -> dict[str, float]:
    """The score on the pairs alone that somebody labelled."""
    asked = frozenset(given.labels)
    return asdict(Score.of(pairs & asked, frozenset(pair for pair, same in given.labels.items() if same)))


def _say_scale(figures: dict[str, Any]) -> None:
    print(
        f"linkage   {figures['records']:,} records of {figures['sources']} sources: {figures['seconds']} s, of processor "
        f"{figures['processor_seconds']} s; peak {figures['peak_mb']} MB, of which the rows {figures['rows_alone_mb']} MB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
