"""Two records are said to be one person's: by the real commands of an agency and of a real hub, and by nobody else's request."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.agency.linkage import LinkageStore
from demo.cast import REFERENCE
from exchange.errors import Conflict, Unacceptable
from keys.keyfile import read_keyfile
from keys.pseudonym import pseudonym_key, pseudonymise
from tests.adapters.test_scan import found as lying_about
from tests.functional.test_rights import CRIMES, KIND, done, ids, inside, lines
from tests.functional.world import CLEVELAND, DURHAM, World, agency, agree, copied, serving, share_secret

WORDS = '\n[[linkages]]\nname = "person"\ntitle = "One person"\nrules = ["published_crime"]\nmost = 40\n'


@pytest.fixture
def linked(keys_made: World, tmp_path: Path) -> World:
    """The agreement with a linkage, in force, and its secret shared."""
    world = copied(keys_made, tmp_path / "run")
    agree(world, lambda text: text + WORDS)
    share_secret(world)
    return world


def test_a_pair_is_joined_and_split_by_named_people_and_shown_to_nobody(linked: World, tmp_path: Path) -> None:
    pair = [one for one in ids(CRIMES) if one][:2]
    home, source, out = ("--home", linked.home(CLEVELAND)), lines(tmp_path / "two", pair), tmp_path / "join.json"
    ask = ("linkage", "join", REFERENCE, "--kind", KIND, "--from", source, "--out")
    with serving(linked):
        answer = done(agency(*ask, out, *home))
        theirs = done(inside(*ask, tmp_path / "theirs.json", "--home", linked.home(DURHAM)))
    dpo, nobody = (print_of(linked, CLEVELAND, role) for role in ("dpo", "checker"))
    why = ("--reason", "Both stand on one custody record")

    def enter(action: str, request: Path, who: str) -> str:
        return linked.exchange("--json", "linkage", action, REFERENCE, request, "--person", who, *why)

    with pytest.raises(Unacceptable, match="no DPO or signatory"):
        enter("join", out, nobody)
    with pytest.raises(Unacceptable, match="asks to join"):
        enter("split", out, dpo)
    mixed = json.loads(out.read_text(encoding="utf-8"))
    mixed["document"]["sealed"] = json.loads((tmp_path / "theirs.json").read_text(encoding="utf-8"))["document"]["sealed"]
    (tmp_path / "mixed.json").write_text(json.dumps(mixed), encoding="utf-8")
    with pytest.raises(Unacceptable, match="does not hold"):
        enter("join", tmp_path / "mixed.json", dpo)
    [entered] = [json.loads(enter("join", out, dpo))["override"]]
    with pytest.raises(Conflict, match="entered before"):
        enter("join", out, dpo)
    assert json.loads(enter("join", tmp_path / "theirs.json", print_of(linked, DURHAM, "signatory")))["override"]["supplier"] == DURHAM

    assert entered["person"] == dpo
    assert "linkage overridden: join" in linked.exchange("log", "search", "--what", "linkage overridden", "--reference", REFERENCE)
    listed = linked.exchange("linkage", "list", REFERENCE)
    assert (entered["id"] in listed, why[1] in listed) == (True, True)
    assert "lifted" in linked.exchange("linkage", "lift", REFERENCE, entered["id"], "--person", dpo)
    assert entered["id"] not in linked.exchange("linkage", "list", REFERENCE)

    secret = LinkageStore(linked.home(CLEVELAND) / "linkage").get(REFERENCE, 1)
    assert secret is not None
    made = pseudonymise(pa.array(pair), KIND, pseudonym_key(secret, REFERENCE, KIND, 1)).to_pylist()
    assert lying_about(linked.places.run, [*pair, *(one.hex() for one in made)]) == []
    assert not any(one in answer.out + answer.err + theirs.out + listed for one in pair)


def print_of(world: World, party: str, role: str) -> str:
    return read_keyfile(world.places.key(party, role)).fingerprint
