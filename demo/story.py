"""The story, step by step: keys, agreement, signatures, linkage secret, pushes, edition, checks, download, verification."""

import json
import shutil
from pathlib import Path

from demo.cast import AGENCIES, MONTHS, OPERATOR, PARTIES, RECIPIENT, REFERENCE, RELEASE, TEMPLATE, Places
from demo.stage import agency, console, finish, free_port, hub, serving, start, step


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
    hub(None, "init", places.hub, "--public-url", address, "--operator", OPERATOR)
    for party in PARTIES:
        for role in ("dpo", "signatory", "checker"):
            hub(None, "person", "new", "--owner", party, "--role", role, "--out", places.people(party))
    made = [
        start(
            "init",
            "--party",
            one.party,
            "--hub",
            address,
            "--home",
            places.agency(one.party),
            "--pin-signatory",
            _signatory(places, one.party),
        )
        for one in AGENCIES
    ]
    made.append(start("init", "--party", RECIPIENT, "--hub", address, "--home", places.agency(RECIPIENT), "--recipient"))
    finish(made)
    config = places.hub / "hub.toml"
    hub(config, "partner", "add", *places.cards())
    return config


def _signatory(places: Places, party: str) -> str:
    """The fingerprint that an agency pins: its own signatory's."""
    listed = json.loads(hub(None, "--json", "person", "fingerprint", places.people(party) / f"{party}-signatory.card.json"))
    return str(listed["fingerprint"])


def _agreement(places: Places, config: Path) -> None:
    step(f"The agreement {REFERENCE} is filled in with the fingerprints, and every DPO advises and every signatory signs, offline.")
    cards = [flag for card in places.cards() for flag in ("--card", card)]
    hub(None, "agreement", "fill", TEMPLATE, *cards, "--out", places.agreement)
    hub(config, "agreement", "enter", places.agreement)
    statements = []
    for party in PARTIES:
        for verb, role in (("advise", "dpo"), ("sign", "signatory")):
            out = places.run / "statements" / f"{party}-{verb}.json"
            hub(None, "agreement", verb, places.agreement, "--key", places.key(party, role), "--out", out)
            statements.append(out)
    recorded = hub(config, "agreement", "record", *statements)
    console.print("  " + recorded.strip().replace("\n", "\n  "), style="dim")


def _linkage(places: Places) -> None:
    step("The first supplier makes the linkage secret and seals it to the other; the hub relays it and cannot open it.")
    first, *others = AGENCIES
    agency("keys", "issue", REFERENCE, "--home", places.agency(first.party))
    finish([start("keys", "accept", REFERENCE, "--home", places.agency(one.party)) for one in others])


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
    key = places.key(OPERATOR, "checker")
    asked = hub(config, "--json", "release", "request", REFERENCE, RELEASE, "--from", MONTHS[0], "--to", MONTHS[-1], "--key", key)
    edition = str(json.loads(asked)["edition"])
    step("Two people, neither of them the one who asked, check exactly what would be published, and sign.")
    for one in AGENCIES:
        checked = hub(config, "release", "check", edition, "--approve", "--key", places.key(one.party, "checker"))
        console.print("  " + checked.strip(), style="dim")
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
