"""The story, step by step: keys, agreement, signatures, linkage secret, pushes, edition, checks, download, verification."""

import json
import shutil
from pathlib import Path

from demo.cast import AGENCIES, MONTHS, OPERATOR, PARTIES, RECIPIENT, REFERENCE, RELEASE, TEMPLATE, Places
from demo.stage import agency, console, finish, free_port, hub, serving, start, step
from demo.steps import approve, enter, make_keys, request, share_secret, sign


def run(folder: Path) -> Places:
    """Play it all in a fresh folder; returns where everything is."""
    shutil.rmtree(folder, ignore_errors=True)
    places = Places(folder)
    address = f"http://localhost:{free_port()}"  # a name: passkeys know no bare addresses
    config = _keys(places, address)
    _agreement(places, config)
    with serving(config, address, places.run / "hub.log"):
        _linkage(places)
        _pushes(places)
        edition = _edition(places, config)
        _receive(places)
    _proofs(places, config, edition)
    return places


def _keys(places: Places, address: str) -> Path:
    step("Every organisation makes its own keys: people, machines, and the hub.")
    people = dict.fromkeys(PARTIES, ("dpo", "signatory", "checker"))
    return make_keys(places, address, OPERATOR, people, [one.party for one in AGENCIES])


def _agreement(places: Places, config: Path) -> None:
    step(f"The agreement {REFERENCE} is filled in with the fingerprints, and every DPO advises and every signatory signs, offline.")
    enter(places, config, TEMPLATE, places.agreement)
    recorded = sign(places, config, places.agreement, PARTIES)
    console.print("  " + recorded.strip().replace("\n", "\n  "), style="dim")


def _linkage(places: Places) -> None:
    step("The first supplier makes the linkage secret and seals it to the other; the hub relays it and cannot open it.")
    share_secret(places, REFERENCE, [one.party for one in AGENCIES])


def _pushes(places: Places) -> None:
    step(
        "Both forces push their real crimes and outcomes: pseudonymised and sealed before they leave, checked, re-keyed and held encrypted."
    )
    for dataset, kind in (("crimes", "street"), ("outcomes", "outcomes")):
        pushes = []
        for one in AGENCIES:
            pairs = [f"{path}:{month}" for path, month in zip(one.files(kind), MONTHS, strict=True)]
            pushes.append(start("push", dataset, *pairs, "--home", places.agency(one.party), "--json"))
        for one, printed in zip(AGENCIES, finish(pushes), strict=True):
            for line in json.loads(printed)["submissions"]:
                receipt = line["receipt"]
                console.print(f"  {one.party:20} {dataset:9} {receipt['period']}  {receipt['rows']:>7,} rows  {line['state']}", style="dim")


def _edition(places: Places, config: Path) -> str:
    step("The performance team asks for an edition: linked, tabulated, protected, and attacked by an independent intruder.")
    edition = request(places, config, (REFERENCE, RELEASE), (MONTHS[0], MONTHS[-1]), OPERATOR)
    step("Two people, neither of them the one who asked, check exactly what would be published, and sign.")
    for checked in approve(places, config, edition, [one.party for one in AGENCIES]):
        console.print("  " + checked, style="dim")
    return edition


def _receive(places: Places) -> None:
    step("The performance team downloads the published edition and verifies it.")
    agency("pull", REFERENCE, RELEASE, "--home", places.agency(RECIPIENT), "--to", places.out)


def _proofs(places: Places, config: Path, edition: str) -> None:
    step("Everything is verified again from files alone: receipts, edition, agreement, log.")
    receipts = [path for one in AGENCIES for path in sorted(places.agency(one.party).glob("receipts/*/receipt.json"))]
    proved = []
    for one in AGENCIES:
        mine = [path for path in receipts if path.is_relative_to(places.agency(one.party))]
        proved.append(start("verify", *mine, "--home", places.agency(one.party)))
    proved.append(start("verify", *sorted(places.edition.iterdir()), "--home", places.agency(RECIPIENT)))
    finish(proved)
    exported, log = places.run / "agreement.export.json", places.run / "log.export.jsonl"
    hub(config, "agreement", "export", REFERENCE, "--out", exported)
    told = json.loads(hub(None, "--json", "agreement", "verify", exported))
    lines = [
        f"All {len(told['statements'])} statements about the agreement hold; signed by every party: {'yes' if told['complete'] else 'no'}."
    ]
    key = json.loads(hub(config, "--json", "log", "export", log))["key"]
    lines.append(hub(None, "log", "verify", log, "--key", key).splitlines()[0])
    console.print(f"  {len(receipts)} receipts and edition {edition} hold.\n  " + "\n  ".join(lines), style="dim")
