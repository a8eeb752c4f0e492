"""A version's life by the commands that people use: a draft that waits, a dataset stopped alone, a key that changes, and the end."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agreements.document import read
from demo.cast import OPERATOR, REFERENCE
from demo.stage import hub
from exchange.errors import RefusedByAgreement
from keys.keyfile import read_keyfile
from tests.functional.world import CLEVELAND, DURHAM, World, agree, make_keys


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The shipped agreement, signed by everybody, at a hub that nobody serves."""
    found = make_keys(tmp_path_factory.mktemp("lives"))
    agree(found)
    return found


def said(world: World, verb: str, document: Path, party: str, role: str, *more: str | Path, key: Path | None = None) -> dict[str, Any]:
    """Make a statement offline and record it at the hub; how the hub answers."""
    out = world.places.run / "said" / f"{len(list((world.places.run / 'said').glob('*')))}-{verb}.json"
    hub(None, "agreement", verb, document, "--key", key or world.places.key(party, role), "--out", out, *more)
    recorded: dict[str, Any] = json.loads(hub(world.config, "--json", "agreement", "record", out))["recorded"][0]
    return recorded


def document(world: World) -> Path:
    return world.places.run / "lcjp-mv7.toml"


def written(world: World, name: str, text: str) -> Path:
    path = world.places.run / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_draft_lists_what_it_lacks_and_is_withdrawn(world: World) -> None:
    text = document(world).read_text(encoding="utf-8").replace("version = 1\n", "version = 7\n", 1)
    lacking = written(world, "draft.toml", re.sub(r"(?m)^(complaints|children) = .*\n", "", text))
    printed = world.exchange("agreement", "enter", lacking)
    assert f"{REFERENCE} version 7 is draft" in printed
    assert "missing: Complaints" in printed
    assert "missing: Children" in printed
    with pytest.raises(RefusedByAgreement, match="this is a draft"):
        said(world, "advise", lacking, CLEVELAND, "dpo")
    assert "is withdrawn" in world.exchange("agreement", "withdraw", REFERENCE, "7")
    assert "version 7" not in world.exchange("agreement", "list")
    with pytest.raises(RefusedByAgreement, match="cannot withdraw"):
        world.exchange("agreement", "withdraw", REFERENCE, "1")


def test_one_dataset_is_stopped_and_resumed_by_its_name(world: World) -> None:
    with pytest.raises(RefusedByAgreement, match=r"no such dataset.*crimes, outcomes"):
        said(world, "suspend", document(world), DURHAM, "dpo", "--dataset", "cats")
    assert said(world, "suspend", document(world), DURHAM, "dpo", "--dataset", "crimes")["state"] == "in-force"
    with pytest.raises(RefusedByAgreement, match="has not suspended the dataset outcomes"):
        said(world, "resume", document(world), DURHAM, "signatory", "--dataset", "outcomes")
    assert said(world, "resume", document(world), DURHAM, "signatory", "--dataset", "crimes")["state"] == "in-force"


def test_other_keys_come_in_by_the_old_signatorys_word_and_the_end_is_seen_to(world: World) -> None:
    places, people = world.places, world.places.run / "new-people"
    text = document(world).read_text(encoding="utf-8").replace("version = 1\n", "version = 2\n", 1)
    for party in (CLEVELAND, DURHAM):
        hub(None, "person", "new", "--owner", party, "--role", "signatory", "--out", people / party)
    new = {party: next((people / party).glob("*.key*")) for party in (CLEVELAND, DURHAM)}
    for party, key in new.items():
        old = read_keyfile(places.key(party, "signatory")).fingerprint
        assert text.count(old) == 1
        text = text.replace(old, read_keyfile(key).fingerprint)
    second = written(world, "second.toml", text)
    assert read(text).version == 2
    world.exchange("agreement", "enter", second)
    for party in (CLEVELAND, DURHAM, OPERATOR):
        said(world, "advise", second, party, "dpo")
    for party, key in new.items():
        said(world, "sign", second, party, "signatory", key=key)
    with pytest.raises(RefusedByAgreement, match="nobody entitled vouches for them"):
        said(world, "sign", second, OPERATOR, "signatory")
    for party in new:
        said(world, "endorse", second, party, "signatory", "--forerunner", document(world))
    assert said(world, "sign", second, OPERATOR, "signatory")["state"] == "in-force"
    assert said(world, "terminate", second, DURHAM, "signatory", key=new[DURHAM])["state"] == "terminated"
    assert set(json.loads(hub(world.config, "--json", "status"))["agreements"]) == {"terminated"}
    with pytest.raises(RefusedByAgreement, match="cannot suspend"):
        said(world, "suspend", document(world), CLEVELAND, "dpo")
