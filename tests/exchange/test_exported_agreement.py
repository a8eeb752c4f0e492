"""`exchange agreement export` and `verify`, from the shell: what an exported agreement proves to somebody who has nothing but the file."""

import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapters.agency.agreements_store import verify_export
from agreements.document import placeholders, read
from agreements.model import Agreement
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from exchange.commands.root import cli
from exchange.commands.running import run
from exchange.db import writing
from exchange.keyring import USES
from exchange.register import agreements, partners
from keys.encoding import b64, canonical
from keys.formats import Card
from keys.passkey import Passkey, assertion_document, sign_request
from keys.seal import EncryptionKey
from keys.sign import SigningKey, Use, sign_document
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEMPLATE, World, card_of, print_of
from tests.keys.authenticator import ORIGIN, RP_ID, SoftAuthenticator, enrolled

Shell = Callable[..., tuple[int, str, str]]
MADE = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # before the hub of the commands, whose clock is the real one
BY_PASSKEY = {f"{DURHAM}/signatory", f"{CLEVELAND}/dpo"}
SPOKEN = ((Capacity.DPO, Voice.ADVISE_FOR), (Capacity.SIGNATORY, Voice.SIGN))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The command line, in an empty folder without a hub or settings: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EXCHANGE_CONFIG", raising=False)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["exchange", *map(str, arguments)])
        capsys.readouterr()
        code = run(cli)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@dataclass
class People:
    """Everybody's keys and devices, whichever the agreement names, and what they say with them."""

    keys: dict[str, SigningKey | EncryptionKey]
    devices: dict[str, tuple[SoftAuthenticator, Passkey]]

    def card(self, place: str) -> Card:
        if place in self.devices:
            owner, role = place.split("/")
            return Card("passkey", owner, role, b64(self.devices[place][1].raw))
        return card_of(place, self.keys[place])

    def state(self, about: Agreement, place: str, voice: Voice, **more: Any) -> dict[str, Any]:
        party, capacity = place.split("/", maxsplit=1)[0], Capacity(place.split("/")[1])
        person = speaker(about, party, capacity).name
        said = replace(Statement(party, capacity, person, voice, "", MADE, secrets.token_hex(16)), **more)
        document = statement_document(about, said)
        if place in self.devices:
            device, passkey = self.devices[place]
            answer = device.get(sign_request(Use.STATEMENT, document, rp_id=RP_ID, allow=[]), ORIGIN)
            return assertion_document(answer, document, Use.STATEMENT, passkey)
        key = self.keys[place]
        assert isinstance(key, SigningKey)
        return sign_document(document, Use.STATEMENT, key)

    def everything(self, about: Agreement) -> list[dict[str, Any]]:
        return [self.state(about, f"{party.id}/{capacity}", voice) for party in about.parties for capacity, voice in SPOKEN]


def people() -> People:
    keys: dict[str, SigningKey | EncryptionKey] = {}
    for place in placeholders(TEMPLATE.read_text(encoding="utf-8")):
        if place not in BY_PASSKEY:
            keys[place] = EncryptionKey.generate() if place.endswith("/encryption") else SigningKey.generate()
    return People(keys, {place: enrolled(ORIGIN, RP_ID) for place in BY_PASSKEY})


def exported(about: Agreement, statements: list[dict[str, Any]]) -> dict[str, Any]:
    text = canonical(about.document).decode()
    return {"format": "lcjp-exchange/agreement/1", "canonical": text, "statements": statements}


def written(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def known() -> People:
    return people()


@pytest.fixture
def filled(known: People, shell: Shell, tmp_path: Path) -> Callable[[int], Agreement]:
    """A version of the shipped agreement, filled by the command from everybody's cards."""

    def fill(number: int) -> Agreement:
        template = TEMPLATE.read_text(encoding="utf-8").replace("version = 1\n", f"version = {number}\n", 1)
        places = placeholders(template)
        cards = [written(tmp_path / f"{place.replace('/', '-')}.card.json", known.card(place).document()) for place in places]
        out = tmp_path / f"version-{number}.toml"
        flags = [flag for card in cards for flag in ("--card", card)]
        code, _, errors = shell("agreement", "fill", written(tmp_path / "template.toml", template), *flags, "--out", out)
        assert code == 0, errors
        return read(out.read_text(encoding="utf-8"))

    return fill


def test_through_a_hub_and_out_again(shell: Shell, known: People, tmp_path: Path) -> None:
    """Keys registered, words filled, entered, recorded and exported by the commands; the file then stands by itself."""
    home = tmp_path / "hub"
    assert shell("init", home)[0] == 0
    hub = partial(shell, "--config", home / "hub.toml")
    mine = [
        place for place in placeholders(TEMPLATE.read_text(encoding="utf-8")) if place.split("/") not in [[OPERATOR, use] for use in USES]
    ]
    cards = [written(tmp_path / f"{place.replace('/', '-')}.card.json", known.card(place).document()) for place in mine]
    code, out, errors = hub("partner", "add", *cards)
    assert code == 0, errors
    assert all(passkey.fingerprint in out for _, passkey in known.devices.values())
    cards += list((home / "cards").iterdir())
    words = tmp_path / "words.toml"
    code, _, errors = shell("agreement", "fill", TEMPLATE, *(flag for card in cards for flag in ("--card", card)), "--out", words)
    assert code == 0, errors
    about = read(words.read_text(encoding="utf-8"))
    assert speaker(about, DURHAM, Capacity.SIGNATORY).key == known.devices[f"{DURHAM}/signatory"][1].fingerprint
    assert hub("agreement", "enter", words)[0] == 0
    said = [written(tmp_path / f"{number}.json", one) for number, one in enumerate(known.everything(about))]
    code, out, errors = hub("agreement", "record", *said)
    assert code == 0, errors
    export = tmp_path / "export.json"
    assert hub("agreement", "export", REFERENCE, "--out", export)[0] == 0
    (home / "hub.toml").unlink()
    code, out, errors = shell("agreement", "verify", export)
    assert (code, errors) == (0, "")
    assert "signed by every party" in out
    pin = known.devices[f"{DURHAM}/signatory"][1].fingerprint
    assert verify_export(json.loads(export.read_text()), party=DURHAM, pin=pin).agreement.digest == about.digest


def test_every_statement_is_told_whole(shell: Shell, known: People, filled: Callable[[int], Agreement], tmp_path: Path) -> None:
    about = filled(1)
    suspended = known.state(about, f"{DURHAM}/signatory", Voice.SUSPEND, dataset="crimes", comment="until it\nis mended")
    path = written(tmp_path / "export.json", exported(about, [*known.everything(about), suspended]))
    code, out, errors = shell("agreement", "verify", path)
    assert (code, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{REFERENCE} version 1: {about.digest}"
    for party in about.parties:
        for person, capacity, said in ((party.dpo, "dpo", "advise-for"), (party.signatory, "signatory", "sign")):
            road = f"passkey at {ORIGIN}" if f"{party.id}/{capacity}" in BY_PASSKEY else "key file"
            whole = f"{person.name}, {capacity} of {party.name}: {said}; 2026-11-20 09:30:00 UTC; {road}; {person.key}"
            assert any(line.endswith(whole) for line in lines), whole
    assert any("suspend crimes (“until it is mended”)" in line for line in lines)
    found = json.loads(shell("--json", "agreement", "verify", path)[1])
    assert found["complete"] is True
    assert [one["holds"] for one in found["statements"]] == [True] * (2 * len(about.parties) + 1)
    assert found["statements"][-1] == {
        "holds": True,
        "party": DURHAM,
        "person": speaker(about, DURHAM, Capacity.SIGNATORY).name,
        "role": "signatory",
        "decision": "suspend",
        "dataset": "crimes",
        "comment": "until it\nis mended",
        "made": "2026-11-20T09:30:00Z",
        "road": f"passkey at {ORIGIN}",
        "key": known.devices[f"{DURHAM}/signatory"][1].fingerprint,
        "named": True,
    }


def test_an_endorsement_with_a_key_of_another_version_says_so(
    shell: Shell, known: People, filled: Callable[[int], Agreement], tmp_path: Path
) -> None:
    """Whoever was signatory before may vouch for new keys; of this version alone nobody can tell that they were."""
    about, other = filled(2), people()
    vouched = [
        known.state(about, f"{CLEVELAND}/signatory", Voice.ENDORSE),
        other.state(about, f"{CLEVELAND}/signatory", Voice.ENDORSE, person="Somebody Else"),
        other.state(about, f"{DURHAM}/signatory", Voice.ENDORSE, person="Some\x1b[2J"),
    ]
    code, out, _ = shell("agreement", "verify", written(tmp_path / "export.json", exported(about, vouched)))
    assert code == 6
    assert "\x1b" not in out
    assert ["does not name" in line for line in out.splitlines()[1:4]] == [False, True, True]
    found = json.loads(shell("--json", "agreement", "verify", tmp_path / "export.json")[1])
    assert [one["named"] for one in found["statements"]] == [True, False, False]


def test_a_comment_that_could_deceive_does_not_reach_the_terminal(
    shell: Shell, known: People, filled: Callable[[int], Agreement], tmp_path: Path
) -> None:
    about = filled(1)
    said = known.state(about, f"{CLEVELAND}/dpo", Voice.ADVISE_AGAINST, comment="\x1b[2Jfor \u202e")
    code, out, _ = shell("agreement", "verify", written(tmp_path / "export.json", exported(about, [said])))
    assert code == 6
    assert not {"\x1b", "\u202e"} & set(out)
    assert "advise-against (with a comment in characters that could deceive" in out


def _changed_letter(whole: dict[str, Any], **_: Any) -> None:
    whole["canonical"] = whole["canonical"].replace('"purpose":"', '"purpose":"X', 1)


def _swapped_key(whole: dict[str, Any], *, place: int, **_: Any) -> None:
    device, passkey = enrolled(ORIGIN, RP_ID)
    document = whole["statements"][place]["document"]
    answer = device.get(sign_request(Use.STATEMENT, document, rp_id=RP_ID, allow=[]), ORIGIN)
    whole["statements"][place] = assertion_document(answer, document, Use.STATEMENT, passkey)


def _claimed_key(whole: dict[str, Any], *, place: int, **_: Any) -> None:
    own = whole["statements"][place]
    _swapped_key(whole, place=place)
    whole["statements"][place] = {**whole["statements"][place], "key": own["key"]}


def _lifted(whole: dict[str, Any], *, place: int, older: list[dict[str, Any]], **_: Any) -> None:
    whole["statements"][place] = older[place]


def _lifted_signature(whole: dict[str, Any], *, place: int, older: list[dict[str, Any]], **_: Any) -> None:
    whole["statements"][place] = {**older[place], "document": whole["statements"][place]["document"]}


FORGERIES: dict[str, tuple[Callable[..., None], str]] = {
    "one letter of the words": (_changed_letter, "about other words"),
    "a statement by another passkey": (_swapped_key, "not signed by a key that may sign this"),
    "another passkey under the right name": (_claimed_key, "the fingerprint is not that of the passkey"),
    "a statement about another version": (_lifted, "about other words"),
    "a signature from another version": (_lifted_signature, "another challenge: another document"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_named_and_exits_10(
    name: str, shell: Shell, known: People, filled: Callable[[int], Agreement], tmp_path: Path
) -> None:
    forge, reason = FORGERIES[name]
    about, older = filled(2), known.everything(filled(1))
    whole = exported(about, known.everything(about))
    place = next(place for place, one in enumerate(whole["statements"]) if one["document"]["party"] == DURHAM and "client_data" in one)
    assert shell("agreement", "verify", written(tmp_path / "true.json", whole))[0] == 0
    forge(whole, place=place, older=older)
    code, out, _ = shell("agreement", "verify", written(tmp_path / "forged.json", whole))
    assert code == 10
    line, party = out.splitlines()[1 + place], about.party(DURHAM)
    assert party is not None
    assert line.startswith(f"  {place + 1}. DOES NOT HOLD: said to be of {party.name}; ")
    assert reason in line
    assert "do not rely on this file" in out
    found = json.loads(shell("--json", "agreement", "verify", tmp_path / "forged.json")[1])
    assert found["complete"] is False
    assert found["statements"][place]["holds"] is False


def test_an_agreement_that_not_everybody_signed_exits_6(
    shell: Shell, known: People, filled: Callable[[int], Agreement], tmp_path: Path
) -> None:
    about = filled(1)
    code, out, _ = shell("agreement", "verify", written(tmp_path / "export.json", exported(about, known.everything(about)[:-1])))
    assert code == 6
    assert "Every statement in it holds. It is not complete: signature of" in out


@pytest.mark.parametrize("statement", [None, 5, [], {}, {"document": {}}, {"document": {"party": [1]}}])
def test_what_is_no_statement_does_not_hold(
    statement: Any, shell: Shell, known: People, filled: Callable[[int], Agreement], tmp_path: Path
) -> None:
    code, out, errors = shell("agreement", "verify", written(tmp_path / "export.json", exported(filled(1), [statement])))
    assert (code, errors) == (10, "")
    assert "DOES NOT HOLD" in out


@pytest.mark.parametrize(
    "document",
    ["", "not JSON", "[]", "{}", '{"format": "lcjp-exchange/agreement/2", "canonical": "{}", "statements": []}', '{"canonical": 5, "statements": []}', '{"canonical": "{}"}'],
)  # fmt: skip
def test_what_is_no_export_exits_6(document: str, shell: Shell, tmp_path: Path) -> None:
    code, _, errors = shell("agreement", "verify", written(tmp_path / "export.json", document))
    assert code == 6
    assert "is not an exported agreement" in errors


def test_words_that_are_not_canonical_exit_6(shell: Shell, filled: Callable[[int], Agreement], tmp_path: Path) -> None:
    whole = exported(filled(1), [])
    code, _, errors = shell("agreement", "verify", written(tmp_path / "export.json", {**whole, "canonical": whole["canonical"] + " "}))
    assert code == 6
    assert "canonical form" in errors


def test_what_the_hub_answers_to_an_agency_verifies_too(world: World, shell: Shell, tmp_path: Path) -> None:
    """The passkey's statement and card pass the door whole: the client accepts them, and so does `verify`."""
    place = f"{DURHAM}/signatory"
    device = enrolled(ORIGIN, RP_ID)
    about = read(world.words(version="2").replace(print_of(world.keys[place]), device[1].fingerprint))
    known = People(world.keys, {place: device})
    world.enter(about)
    with writing(world.hub.engine) as session:
        partners.register(session, known.card(place), world.clock())
    for signed in known.everything(about):
        with writing(world.hub.engine) as session:
            agreements.record(session, signed, world.clock)
    answer = world.call("get", f"/v1/agreements/{REFERENCE}?version=2", DURHAM).get_json()
    verified = verify_export(answer, party=DURHAM, pin=device[1].fingerprint)
    assert verified.keys[device[1].fingerprint] == device[1].raw
    code, out, errors = shell("agreement", "verify", written(tmp_path / "answer.json", answer))
    assert (code, errors) == (0, "")
    assert f"passkey at {ORIGIN}; {device[1].fingerprint}" in out
    code, _, errors = shell("agreement", "verify", written(tmp_path / "renamed.json", {**answer, "version": 1}))
    assert code == 6
    assert "another name" in errors
