"""The whole partnership, step by step: invent a population, sign the agreements, push every source, link people, publish, compare with the truth."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from demo.cast import RECIPIENT
from demo.partnership.cast import WHOLE, Extract, Paper, Scene, Stage
from demo.stage import Failed, agency, console, free_port, say, serving, step
from demo.steps import AT_ONCE, approve, enter, make_keys, request, share_secret, sign


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


def run(folder: Path, scene: Scene = WHOLE) -> Played:
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
        editions = _editions(stage, config)
        pulled = [_receive(stage, *one) for one in editions]
    return Played(stage, extracts, pushed, pulled)


def _invent(stage: Stage) -> None:
    step(
        f"A population is invented, with its crimes, cases, sentences and victims, and written as every agency's system exports it (seed {stage.scene.seed})."
    )
    scene = stage.scene
    how = ("--seed", str(scene.seed), "--scale", str(scene.scale), "--from", scene.began, "--to", scene.last)
    said = agency("synthesise", "--out", stage.data, *how, "--json")
    told = json.loads(said)
    console.print(f"  {told['rows']:,} records of {told['suppliers']} suppliers in {told['extracts']} extracts", style="dim")


def _keys(stage: Stage, address: str) -> Path:
    scene = stage.scene
    step(f"{len(scene.parties)} organisations make their own keys: people, machines, and the hub.")
    people = {party: ("dpo", "signatory", *(["checker"] if party in scene.checkers else [])) for party in scene.parties}
    return make_keys(stage, address, scene.operator, people, scene.suppliers)


def _agreements(stage: Stage, config: Path) -> None:
    step("Every agreement is filled in; every party's DPO advises on it and every signatory signs, offline.")
    for paper in stage.scene.papers:
        enter(stage, config, paper.template, stage.paper(paper))
        sign(stage, config, stage.paper(paper), paper.parties)
        console.print(f"  {paper.reference}: {len(paper.parties)} parties, {len(paper.suppliers)} suppliers, in force", style="dim")


def _linkage_secrets(stage: Stage) -> None:
    step("For each agreement one supplier makes a linkage secret and seals it to the others; the hub relays it and cannot open it.")
    for paper in stage.scene.papers:
        share_secret(stage, paper.reference, paper.keyed)


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
        console.print(f"  {supplier:26} {held:>3} of {len(several):>3} accepted  {sum(one.rows for one in several):>7,} rows", style="dim")
        say(f"    {names}", indent=4, style="dim")
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


def _editions(stage: Stage, config: Path) -> list[tuple[Paper, str, str]]:
    """An edition of every release, each checked by two people, neither of whom asked for it."""
    made = []
    for paper in stage.scene.papers:
        releases = stage.scene.releases.get(paper.reference, {})
        step(
            f"{paper.reference}: editions of {len(releases)} release{'' if len(releases) == 1 else 's'} are linked, tabulated, protected, attacked, and checked by two people."
        )
        checkers = [party for party in paper.checkers if party != paper.operator][:2]
        for release, months in releases.items():
            began = time.monotonic()
            identity = request(stage, config, (paper.reference, release), months, paper.operator)
            approve(stage, config, identity, checkers)
            console.print(f"  {release:22} {months[0]} to {months[1]}  {time.monotonic() - began:5.1f} s", style="dim")
            made.append((paper, release, identity))
    return made


def _receive(stage: Stage, paper: Paper, release: str, identity: str) -> Edition:
    out = stage.run / "performance-team" / paper.reference / release
    agency("pull", paper.reference, release, "--home", stage.agency(RECIPIENT), "--to", out)
    folder = next(path for path in sorted(out.iterdir()) if path.is_dir())
    return Edition(paper, release, identity, folder)
