"""The whole partnership, step by step: invent a population, sign three agreements, push every source, link people, publish, compare with the truth."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from demo.cast import RECIPIENT
from demo.partnership.cast import RELEASES, Extract, Paper, Scene, Stage
from demo.stage import Failed, agency, console, finish, free_port, hub, serving, start, step

AT_ONCE = 3
"""Agency commands running beside the hub: more only wait for each other on a small machine."""


@dataclass(frozen=True)
class Pushed:
    """What came of one submission: under which agreement, its state, and what its quality report says of rows."""

    reference: str
    supplier: str
    dataset: str
    period: str
    rows: int
    state: str


@dataclass(frozen=True)
class Edition:
    """A published edition of a release, as the performance team downloaded it."""

    paper: Paper
    release: str
    identity: str
    folder: Path


@dataclass(frozen=True)
class Played:
    """Where everything is, and what happened."""

    stage: Stage
    extracts: Sequence[Extract]
    pushed: Sequence[Pushed]
    editions: Sequence[Edition]


def run(folder: Path, scene: Scene = Scene()) -> Played:  # noqa: B008 - frozen
    """Play it all in a fresh folder."""
    shutil.rmtree(folder, ignore_errors=True)
    stage = Stage(folder, scene)
    _invent(stage)
    address = f"http://localhost:{free_port()}"
    config = _keys(stage, address)
    _agreements(stage, config)
    with serving(config, address, stage.run / "hub.log"):
        _linkage_secrets(stage)
        extracts = stage.extracts()
        pushed = _pushes(stage, extracts)
        editions = [_edition(stage, config, paper, release) for paper in scene.papers for release in RELEASES.get(paper.reference, ())]
        pulled = [_receive(stage, *one) for one in editions]
    return Played(stage, extracts, pushed, pulled)


def _invent(stage: Stage) -> None:
    step(
        f"A population is invented, with its crimes, cases, sentences and victims, and written as every agency's system exports it (seed {stage.scene.seed})."
    )
    scene = stage.scene
    how = ("--seed", str(scene.seed), "--scale", str(scene.scale), "--from", scene.first, "--to", scene.last)
    said = agency("synthesise", "--out", stage.data, *how, "--json")
    told = json.loads(said)
    console.print(f"  {told['rows']:,} records of {told['suppliers']} suppliers in {told['extracts']} extracts", style="dim")


def _keys(stage: Stage, address: str) -> Path:
    scene = stage.scene
    step(f"{len(scene.parties)} organisations make their own keys: people, machines, and the hub.")
    hub(None, "init", stage.hub, "--public-url", address, "--operator", scene.operator)
    for party in scene.parties:
        for role in ("dpo", "signatory", *(["checker"] if party in scene.checkers else [])):
            hub(None, "person", "new", "--owner", party, "--role", role, "--out", stage.people(party))
    _in_turn([_init(stage, address, party) for party in scene.suppliers])
    agency("init", "--party", RECIPIENT, "--hub", address, "--home", stage.agency(RECIPIENT), "--recipient")
    config = stage.hub / "hub.toml"
    hub(config, "partner", "add", *stage.cards())
    return config


def _init(stage: Stage, address: str, party: str) -> list[str | Path]:
    card = stage.people(party) / f"{party}-signatory.card.json"
    pin = json.loads(hub(None, "--json", "person", "fingerprint", card))["fingerprint"]
    return ["init", "--party", party, "--hub", address, "--home", stage.agency(party), "--pin-signatory", str(pin)]


def _agreements(stage: Stage, config: Path) -> None:
    step(f"{len(stage.scene.papers)} agreements are filled in; every party's DPO advises on each and every signatory signs, offline.")
    cards = [flag for card in stage.cards() for flag in ("--card", card)]
    for paper in stage.scene.papers:
        document = stage.paper(paper)
        hub(None, "agreement", "fill", paper.template, *cards, "--out", document)
        hub(config, "agreement", "enter", document)
        said = []
        for party in paper.parties:
            for verb, role in (("advise", "dpo"), ("sign", "signatory")):
                out = stage.run / "statements" / f"{paper.reference}-{party}-{verb}.json"
                hub(None, "agreement", verb, document, "--key", stage.key(party, role), "--out", out)
                said.append(out)
        hub(config, "agreement", "record", *said)
        console.print(f"  {paper.reference}: {len(paper.parties)} parties, {len(paper.suppliers)} suppliers, in force", style="dim")


def _linkage_secrets(stage: Stage) -> None:
    step("For each agreement one supplier makes a linkage secret and seals it to the others; the hub relays it and cannot open it.")
    for paper in stage.scene.papers:
        first, *others = paper.keyed
        agency("keys", "issue", paper.reference, "--home", stage.agency(first))
        _in_turn([["keys", "accept", paper.reference, "--home", stage.agency(party)] for party in others])


def _pushes(stage: Stage, extracts: Sequence[Extract]) -> list[Pushed]:
    step(
        f"{len(stage.scene.suppliers)} agencies push {len(extracts)} native extracts; one push serves every agreement that names its dataset."
    )
    with ThreadPoolExecutor(AT_ONCE) as workers:
        printed = list(workers.map(partial(_push_all, stage, extracts), stage.scene.suppliers))
    pushed = [_pushed(line) for mine in printed for one in mine for line in json.loads(one)["submissions"]]
    for supplier, mine in groupby(pushed, key=lambda one: one.supplier):
        several = list(mine)
        names = ", ".join(dict.fromkeys(one.dataset for one in several))
        held = sum(one.state == "held" for one in several)
        console.print(
            f"  {supplier:26} {held:>3} of {len(several):>3} accepted  {sum(one.rows for one in several):>7,} rows  {names}", style="dim"
        )
    if refused := [one for one in pushed if one.state != "held"]:
        raise Failed(f"{len(refused)} submissions were not accepted: {refused[0]}")
    return pushed


def _push_all(stage: Stage, extracts: Sequence[Extract], supplier: str) -> list[str]:
    """One agency's pushes, a dataset after another: an agency runs one client at a time."""
    mine = sorted((one for one in extracts if one.supplier == supplier), key=lambda one: (one.dataset, one.rows == 0, one.period))
    printed = []
    for (dataset, nil), found in groupby(mine, key=lambda one: (one.dataset, one.rows == 0)):
        pairs = [f"{one.path}:{one.period}" for one in found]
        printed.append(agency("push", dataset, *pairs, *(["--nil"] if nil else []), "--home", stage.agency(supplier), "--json"))
    return printed


def _pushed(line: Mapping[str, Any]) -> Pushed:
    receipt = line["receipt"]
    return Pushed(
        receipt["reference"], receipt["supplier"], receipt["dataset"], receipt["period"], int(receipt["rows"]), str(line["state"])
    )


def _edition(stage: Stage, config: Path, paper: Paper, release: str) -> tuple[Paper, str, str]:
    step(f"{paper.reference}: an edition of {release} is linked, tabulated, protected, attacked, and checked by two people.")
    asked_by = stage.key(paper.operator, "checker")
    asked = hub(
        config,
        "--json",
        "release",
        "request",
        paper.reference,
        release,
        "--from",
        stage.scene.first,
        "--to",
        stage.scene.last,
        "--key",
        asked_by,
    )
    identity = str(json.loads(asked)["edition"])
    for party in [party for party in paper.checkers if party != paper.operator][:2]:
        hub(config, "release", "check", identity, "--approve", "--key", stage.key(party, "checker"))
    return paper, release, identity


def _receive(stage: Stage, paper: Paper, release: str, identity: str) -> Edition:
    out = stage.run / "performance-team" / paper.reference / release
    agency("pull", paper.reference, release, "--home", stage.agency(RECIPIENT), "--to", out)
    folder = next(path for path in sorted(out.iterdir()) if path.is_dir())
    return Edition(paper, release, identity, folder)


def _in_turn(commands: Iterable[Sequence[str | Path]]) -> list[str]:
    """Agency commands, a few at a time; what each printed, in order."""
    with ThreadPoolExecutor(AT_ONCE) as workers:
        return list(workers.map(lambda arguments: finish([start(*arguments)])[0], commands))
