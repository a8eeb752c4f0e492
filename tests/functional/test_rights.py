"""A crime is erased from the published 2021 data: over the real hub, by the real commands, from both datasets, and for good."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pyarrow as pa

from adapters.agency.cli import run
from adapters.agency.linkage import LinkageStore
from demo.cast import AGENCIES, REFERENCE
from exchange.db import reading
from exchange.register import agreements
from exchange.submissions import holdings
from keys.pseudonym import pseudonym_key, pseudonymise, rekey
from tests.adapters.test_scan import found as lying_about
from tests.functional.world import CLEVELAND, Ended, World, agency, serving

KIND = "published_crime"
CRIMES, OUTCOMES = (AGENCIES[0].files(kind)[0] for kind in ("street", "outcomes"))
USAGE, SERVER_REFUSED, INTEGRITY = 2, 9, 10


def ids(path: Path) -> Counter[str]:
    """Crime id → how many rows of an extract it has, counted from the text by nothing of ours."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return Counter(line["Crime ID"] for line in csv.DictReader(file))


def done(answer: Ended) -> Ended:
    assert answer.code == 0, answer.err
    return answer


def inside(*arguments: str | Path) -> Ended:
    """An ``exchange-agency`` command in this process: for the steps that are not what is tested."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run([str(one) for one in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


def held(world: World, crime: str) -> dict[str, tuple[int, int]]:
    """Dataset → (rows held, those of this crime), read as releases read them. The linkage secret comes from the agency's folder."""
    secret = LinkageStore(world.home(CLEVELAND) / "linkage").get(REFERENCE, 1)
    assert secret is not None
    made = pseudonymise(pa.array([crime]), KIND, pseudonym_key(secret, REFERENCE, KIND, 1))
    hub, found = world.hub(), {}
    [wanted] = rekey(made, hub.keyring.rekey(REFERENCE, KIND, 1)).to_pylist()
    with reading(hub.engine) as session:
        row = agreements.current(session, REFERENCE)
        assert row is not None
        words = agreements.parsed(row.canonical)
        for dataset in words.datasets:
            batches = holdings.live(session, REFERENCE, dataset.name)
            rows = holdings.rows(session, hub.keyring, hub.places.held, batches, words, dataset).to_table().column("crime").to_pylist()
            assert len(rows) == sum(batch.rows for batch in batches)
            found[dataset.name] = (len(rows), rows.count(wanted))
    hub.engine.dispose()
    return found


def lines(path: Path, identifiers: Iterable[str]) -> Path:
    path.write_text("".join(f"{one}\n" for one in identifiers), encoding="utf-8")
    return path


def test_a_crime_is_erased_everywhere_and_does_not_come_back(world: World, tmp_path: Path) -> None:
    crimes, outcomes = ids(CRIMES), ids(OUTCOMES)
    crime = next(one for one in crimes if one and outcomes[one])
    total = {"crimes": crimes.total(), "outcomes": outcomes.total()}
    theirs = {"crimes": crimes[crime], "outcomes": outcomes[crime]}
    home, source = ("--home", world.home(CLEVELAND)), lines(tmp_path / "whom", [f"  {crime.upper()} "])
    push = [("push", name, path, "--period", "2021-04", *home) for name, path in (("crimes", CRIMES), ("outcomes", OUTCOMES))]
    with serving(world):
        for command in push:
            done(inside(*command))
        assert held(world, crime) == {name: (total[name], theirs[name]) for name in total}
        told = done(inside("rights", "access", "--kind", KIND, "--from", source, *home))
        assert f"{sum(theirs.values())} rows found in 2 of 2 submissions" in told.out
        assert held(world, crime) == {name: (total[name], theirs[name]) for name in total}

        erased = done(agency("rights", "erase", "--kind", KIND, "--from", source, *home))
        assert f"{sum(theirs.values())} rows removed in 2 of 2 submissions" in erased.out

        again = [done(inside(*command)) for command in push]
        for answer, rows in zip(again, theirs.values(), strict=True):
            assert f"{rows} row{' is' if rows == 1 else 's are'} left out of" in answer.err
        assert held(world, crime) == {name: (total[name] - theirs[name], 0) for name in total}

        # Without its list the agency stops; without its requests too, as on a machine that was set up anew, the hub knows the content again.
        for name in ("exclusions.json", "exclusions.key"):
            (world.home(CLEVELAND) / name).unlink()
        stopped = inside(*push[0])
        assert (stopped.code, "the exclusion list is gone" in stopped.err) == (INTEGRITY, True), stopped.err
        asked = (world.home(CLEVELAND) / "rights").rename(tmp_path / "asked")
        refused = inside(*push[0])
        assert (refused.code, "rows-erased" in refused.err) == (SERVER_REFUSED, True), refused.err
        assert not list((world.home(CLEVELAND) / "spool").iterdir())
        asked.rename(world.home(CLEVELAND) / "rights")

    receipts = sorted(world.home(CLEVELAND).glob("rights/*/*.json"))
    verified = done(agency("verify", *receipts, *home))
    assert len(verified.out.splitlines()) == len(receipts) == 4
    assert lying_about(world.places.run, [crime]) == []
    for answer in (told, erased, *again, verified):
        assert crime not in (answer.out + answer.err).lower()


def test_what_is_restricted_comes_back_when_that_is_lifted(world: World, tmp_path: Path) -> None:
    crimes = ids(CRIMES)
    crime = next(one for one in crimes if one)
    home, source = ("--home", world.home(CLEVELAND)), lines(tmp_path / "whom", [crime])
    push = ("push", "crimes", CRIMES, "--period", "2021-04", *home)
    with serving(world):
        done(inside(*push))
        done(inside("rights", "restrict", "--kind", KIND, "--dataset", "crimes", "--from", source, *home))
        assert held(world, crime)["crimes"] == (crimes.total() - 1, 0)
        [entry] = done(inside("rights", "list", *home)).out.splitlines()
        done(inside("rights", "lift", entry.split()[0], *home))
        assert "Nobody is left out." in done(inside("rights", "list", *home)).out
        done(inside(*push))
        assert held(world, crime)["crimes"] == (crimes.total(), 1)


def test_what_the_command_line_means_and_what_it_never_takes(world: World, tmp_path: Path) -> None:
    home, source = ("--home", world.home(CLEVELAND)), lines(tmp_path / "whom", ["not a crime"])
    wrong = inside("rights", "erase", "--kind", KIND, "--from", source, *home)
    assert (wrong.code, "Line 1 is no identifier" in wrong.err) == (USAGE, True)
    assert "not a crime" not in wrong.err
    assert inside("rights", "erase", "--kind", "nothing", "--from", source, *home).code == USAGE
    assert inside("rights", "erase", "--kind", KIND, "--no-input", *home).code == USAGE
    assert inside("rights", "erase", "--kind", KIND, *home).code == USAGE  # standard input is empty
    assert inside("rights", "erase", "0" * 64, "--kind", KIND, *home).code == USAGE
    assert not (world.home(CLEVELAND) / "exclusions.json").exists()
