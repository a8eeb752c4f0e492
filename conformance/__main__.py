"""``python -m conformance``: ``hub`` tries a hub, ``client`` judges a client, ``vectors`` exports the vectors, ``token`` asks for one token."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.asking import Asker
from conformance.clauses import Deviates, Verdict, exit_code, table
from conformance.hub import HubStage
from conformance.hub_agreements import AGREED, READ
from conformance.hub_entry import ENTRY
from conformance.hub_submitting import SENT
from conformance.judge import judging
from conformance.vectors import export
from keys.errors import KeysError
from keys.keyfile import read_keyfile

SUITES = (ENTRY, AGREED, SENT, READ)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked: 0 all well, 1 something deviates, 2 it could not be tried."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except (KeysError, Deviates, OSError) as error:
        print(f"It could not be tried: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance", description="The conformance kit; see docs/building-against.md.")
    verbs = parser.add_subparsers(required=True, metavar="hub|client|vectors|token")
    hub = verbs.add_parser("hub", help="try a hub as a black box")
    _client(hub)
    hub.add_argument("--manifest-key", type=Path, help="the supplier's key file for manifests; without it nothing is submitted")
    hub.add_argument("--recipient", default="", help="a recipient's id")
    hub.add_argument("--recipient-key", type=Path, help="its client key file")
    hub.add_argument("--reference", default="", help="the agreement to try (default: the first that the hub lists)")
    hub.add_argument("--dataset", default="", help="the dataset to submit (default: the first that the client supplies)")
    hub.add_argument("--period", default="", help="a period of it that is free for trying; what is held for it is replaced")
    _json(hub)
    hub.set_defaults(run=_hub)
    client = verbs.add_parser("client", help="stand before a hub and judge the client that comes")
    client.add_argument("--hub", required=True, metavar="URL", help="the hub that the judge stands before, for instance a sandbox")
    client.add_argument("--port", type=int, default=0, help="where the judge listens on this machine (default: a free port)")
    client.add_argument("--seconds", type=float, default=600, help="how long to wait for the client at most")
    _json(client)
    client.set_defaults(run=lambda asked: _ended(judging(asked.hub.rstrip("/"), asked.port, asked.seconds), as_json=asked.json))
    vectors = verbs.add_parser("vectors", help="export the test vectors with their description")
    vectors.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    vectors.set_defaults(run=lambda asked: export(asked.out))
    token = verbs.add_parser("token", help="one access token, on standard output")
    _client(token)
    token.set_defaults(run=_token)
    return parser


def _client(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="the hub's address")
    parser.add_argument("--audience", default="", help="the hub's own name of itself, where it is not --url")
    parser.add_argument("--party", required=True, help="the client's id")
    parser.add_argument("--client-key", type=Path, required=True, help="its client key file (docs/formats.md, section 12)")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the verdicts as JSON")


def _asker(url: str, audience: str, party: str, key: Path) -> Asker:
    return Asker(url.rstrip("/"), party, read_keyfile(key).signing, said_audience=audience.rstrip("/"))


def _hub(asked: argparse.Namespace) -> int:
    recipient = _asker(asked.url, asked.audience, asked.recipient, asked.recipient_key) if asked.recipient and asked.recipient_key else None
    stage = HubStage(
        _asker(asked.url, asked.audience, asked.party, asked.client_key),
        read_keyfile(asked.manifest_key).signing if asked.manifest_key else None,
        recipient,
        asked.reference,
        asked.dataset,
        asked.period,
    )
    return _ended([verdict for suite in SUITES for verdict in suite.judge(stage)], as_json=asked.json)


def _ended(verdicts: Sequence[Verdict], *, as_json: bool) -> int:
    print(json.dumps([one.__dict__ for one in verdicts], indent=1) if as_json else table(verdicts), flush=True)
    return exit_code(verdicts)


def _token(asked: argparse.Namespace) -> int:
    print(_asker(asked.url, asked.audience, asked.party, asked.client_key).token)
    return 0


if __name__ == "__main__":
    sys.exit(main())
