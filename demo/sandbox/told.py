"""What a sandbox says when it is up: where it is, and the commands to copy."""

import shlex

from demo.sandbox.cast import Card
from demo.stage import console


def commands(card: Card) -> list[tuple[str, str]]:
    """What can be tried, and the very command for it, to be run from the checkout."""
    supplier, recipient = (card.places.agency(one) for one in (card.supplier, card.recipient))
    extract = card.places.run / "extracts" / f"{card.supplier}-{card.ready_period}.csv"
    client = f"--url {card.url} --party {card.supplier} --client-key {_q(card.key(card.supplier, 'client'))}"
    # What the suite submits is in the log in its party's name, and an agency's own client would rightly say that it knows nothing of it.
    other = f"--url {card.url} --party {card.tried} --client-key {_q(card.key(card.tried, 'client'))}"
    recipient_client = f"--recipient {card.recipient} --recipient-key {_q(card.key(card.recipient, 'client'))}"
    token = f'TOKEN="$(.venv/bin/python -m conformance token {client})"'
    released = f"{card.url}/v1/releases/{card.reference}/{card.release}/latest/by-type.csv"
    suite = f".venv/bin/python -m conformance hub {other} --manifest-key {_q(card.key(card.tried, 'manifest'))} {recipient_client}"
    suite += f" --reference {card.reference} --dataset {card.dataset} --period {card.free_period}"
    return [
        ("the agency's own client: is everything as it must be?", f".venv/bin/exchange-agency doctor --home {_q(supplier)}"),
        ("what would leave of an extract that nobody has pushed yet", _agency("check", card, extract)),
        ("push it, and get a signed receipt", _agency("push", card, extract)),
        (
            "the performance team's download, verified",
            f".venv/bin/exchange-agency pull {card.reference} {card.release} --home {_q(recipient)} --to FOLDER",
        ),
        ("an access token for a client of your own, good for five minutes", token),
        ("then: the agreements that your client is under", f'curl -H "Authorization: Bearer $TOKEN" {card.url}/v1/agreements'),
        ("and your client's last requests, with why each was refused", f'curl -H "Authorization: Bearer $TOKEN" {card.url}/v1/requests'),
        ("a release with a token of its own, as Excel or R would take it", f"curl -u any:{card.dataset_token} {released}"),
        ("the conformance suite of hubs, against this one", suite),
        ("the judge of clients, before this hub", f".venv/bin/python -m conformance client --hub {card.url}"),
        ("what the API takes and answers", f"curl {card.url}/openapi.json"),
    ]


def _agency(verb: str, card: Card, extract: object) -> str:
    home = _q(card.places.agency(card.supplier))
    return f".venv/bin/exchange-agency {verb} {card.dataset} {_q(extract)} --period {card.ready_period} --home {home}"


def _q(path: object) -> str:
    return shlex.quote(str(path))


def told(card: Card, seconds: float, *, kept: bool) -> None:
    """Say it."""
    console.print(f"\n[bold]A sandbox is up at {card.url}[/bold], {seconds:.0f} seconds after it was begun. Everything in it is invented.")
    console.print(
        f"  {card.supplier} is your agency, {card.recipient} your performance team; their keys and settings are in\n  {card.folder}",
        markup=False,
    )
    for what, command in commands(card):
        console.print(f"  {what}:\n    {command}", markup=False, soft_wrap=True)
    console.print(
        f"  the same requests on a page, {card.url}/requests: open this once in a browser of this machine, make a passkey, and sign in with it:\n"
        f"    {card.invitation}",
        markup=False,
        soft_wrap=True,
    )
    stays = f"its folder stays: python3 dev.py sandbox --keep {_q(card.folder)}" if kept else "everything is removed"
    console.print(f"It ends with Ctrl-C; then {stays}.", markup=False, soft_wrap=True)
