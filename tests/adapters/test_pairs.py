"""A request that two records be linked, or kept apart: the hub alone can open it, and it shows nobody anything."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.agency.linkage import LinkageStore
from keys.encoding import unb64
from keys.linkage import LinkageRequest, unpack_pairs
from keys.pseudonym import pseudonym_key, pseudonymise
from keys.seal import linkage_info, unseal
from keys.sign import Use, verify_document
from tests.adapters.conftest import Desk
from tests.adapters.entitled import Entitled
from tests.adapters.partnership import Partnership
from tests.adapters.test_scan import found as lying_about

KIND, REFERENCE = "published_crime", "LCJP-MV7"
PAIR = [
    "4c93e8bbe957fe3b116b2213dcc2a643f0c396a8576c52c6dfd79a0b35db40c0",
    "5c93e8bbe957fe3b116b2213dcc2a643f0c396a8576c52c6dfd79a0b35db40c1",
]
WORDS = '\n[[linkages]]\nname = "person"\ntitle = "One person"\nrules = ["published_crime"]\nmost = 40\n'
USAGE, REFUSED = 2, 5


@pytest.fixture(scope="module")
def partnership() -> Partnership:
    return Partnership(edit=lambda text: text + WORDS)


@pytest.fixture
def hub(partnership: Partnership) -> Iterator[Entitled]:
    found = Entitled(partnership)
    with found.serving():
        yield found


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two"
    path.write_text("\n".join(PAIR) + "\n", encoding="utf-8")
    return path


def test_the_pair_is_for_the_hub_alone(cleveland: Desk, hub: Entitled, partnership: Partnership, two: Path, tmp_path: Path) -> None:
    out = tmp_path / "request.json"
    answer = cleveland("linkage", "join", REFERENCE, "--kind", KIND, "--from", two, "--out", out, "--json")
    assert answer.code == 0, answer.err
    signed = json.loads(out.read_text())
    key = partnership.signing("cleveland-police/manifest").public.fingerprint
    request = LinkageRequest.parse(verify_document(signed, Use.LINKAGE_REQUEST, key))
    assert (request.action, request.kind, request.reference) == ("join", KIND, REFERENCE)
    assert answer.json["request"] == request.request
    info = linkage_info(agreement=partnership.agreement.digest, supplier="cleveland-police", request=request.request)
    secret = LinkageStore(cleveland.home / "linkage").get(REFERENCE, 1)
    assert secret is not None
    made = pseudonymise(pa.array(PAIR), KIND, pseudonym_key(secret, REFERENCE, KIND, 1)).to_pylist()
    assert unpack_pairs(unseal(unb64(request.sealed), hub.sealing, info)) == {1: tuple(sorted(made))}
    assert lying_about(cleveland.home, [*PAIR, *(one.hex() for one in made)]) == []
    assert not any(one in out.read_text() for one in (*PAIR, *(one.hex() for one in made)))
    assert out.stat().st_mode & 0o077 == 0


def test_what_is_no_pair_or_no_kind_that_links_is_refused(cleveland: Desk, two: Path, tmp_path: Path) -> None:
    out = tmp_path / "request.json"
    two.write_text(PAIR[0] + "\n" + PAIR[0].upper() + "\n", encoding="utf-8")
    answer = cleveland("linkage", "split", REFERENCE, "--kind", KIND, "--from", two, "--out", out)
    assert (answer.code, "Two different identifiers" in answer.err) == (USAGE, True)
    two.write_text("1981/0000034U\n1981/0000035V\n", encoding="utf-8")
    assert cleveland("linkage", "split", REFERENCE, "--kind", "person_pnc", "--from", two, "--out", out).code == REFUSED
    out.write_text("there", encoding="utf-8")
    answer = cleveland("linkage", "join", REFERENCE, "--kind", KIND, "--from", two, "--out", out)
    assert (answer.code, out.read_text()) == (USAGE, "there")
