"""What is not as it must be: refused in words that name the clause and the remedy; nothing of it kept, nothing else lost.

Where the agency's own client would not send such a thing, real keys and bare HTTP do.
"""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
import requests
from sqlalchemy import func, select

from agreements.rules import today as day_of
from exchange import schedule
from exchange.db import reading
from exchange.submissions.tables import HeldPartRow, PartRow, SubmissionRow, SubmissionState
from keys.seal import EncryptionKey
from keys.sign import SigningKey
from tests.folders import content_of, names_in, put_there
from tests.functional.raw import Raw, content_digest, small
from tests.functional.truth import Extract, dataset_of, log_entries, minimised
from tests.functional.world import (
    CLEVELAND,
    DURHAM,
    Server,
    World,
    agency,
    agree,
    agree_at,
    copied,
    document_of,
    names,
    replaced,
    share_secret,
)

CRIMES = "LCJP-MV7 version 1, dataset crimes"


@pytest.fixture(scope="module")
def shared_world(prepared: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One partnership for the whole file: every test uses months of its own, and leaves the hub as it found it."""
    return copied(prepared, tmp_path_factory.mktemp("bad-input") / "run")


@pytest.fixture(scope="module")
def server(shared_world: World) -> Iterator[Server]:
    with Server(shared_world) as found:
        found.start()
        yield found


@pytest.fixture
def cleveland(server: Server) -> Raw:
    return Raw(server.world, CLEVELAND)


Count = dict[str, Any]


def kept(world: World) -> Count:
    """All that the hub keeps of submissions: rows a table and state, objects, sealed parts."""
    hub = world.hub()
    with reading(hub.engine) as session:
        states = dict(session.execute(select(SubmissionRow.state, func.count()).group_by(SubmissionRow.state)).all())
        tables = {
            table.__tablename__: session.execute(select(func.count()).select_from(table)).scalar_one() for table in (PartRow, HeldPartRow)
        }
    hub.engine.dispose()
    return {"states": states, **tables, "objects": names_in(hub.settings, "objects"), "staging": names_in(hub.settings, "staging")}


@contextmanager
def nothing_kept(world: World, **more: int) -> Iterator[None]:
    """The hub keeps after the block what it kept before; ``more`` submissions of a state, where a refusal leaves its own trace."""
    before = kept(world)
    yield
    after = kept(world)
    for state, count in more.items():
        before["states"][state] = before["states"].get(state, 0) + count
    # A part's row says only that it once arrived; its bytes are what must be gone.
    assert {**after, "parts": 0} == {**before, "parts": 0}


def refused(answer: requests.Response, status: int, code: str, clause: str) -> Any:
    """The problem document, which must say all this and what to do."""
    found = document_of(answer)
    assert (answer.status_code, found["code"], found.get("clause")) == (status, code, clause), found
    assert found["detail"]
    assert found["remedy"]
    return found


def refused_receipt(raw: Raw, submission: str, clause: str) -> Any:
    """The signed refusal, whose first reason names this clause, and says what to do."""
    found = raw.decided(submission)
    receipt = found["receipt"]["document"]
    assert (found["state"], receipt["outcome"], receipt["dispose_on"]) == ("refused", "refused", None)
    assert receipt["reasons"][0]["clause"] == clause
    reason = receipt["reasons"][0]["reason"]
    assert "ush it again." in reason or "Push" in reason, "no remedy"
    return reason


# --------------------------------------------------------------------------------------------------------- unknown column


def test_unknown_column_at_the_agency(server: Server, tmp_path: Path) -> None:
    world = server.world
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-06")
    header, *rows = gzip.decompress(extract.path.read_bytes()).decode().splitlines()
    path = tmp_path / "crimes.csv"
    path.write_text("\n".join([f"{header},Suspect", *(f"{row},Nobody" for row in rows)]), encoding="utf-8")
    with nothing_kept(world):
        ended = agency("push", "crimes", path, "--period", "2021-06", "--home", world.home(CLEVELAND))
    assert ended.code == 6
    assert "column 13, “Suspect”, is unknown" in ended.err
    assert "Take the column out" in ended.err
    assert "Nobody" not in ended.out + ended.err
    assert names(world.home(CLEVELAND) / "spool") == []


def test_unknown_column_in_a_part(cleveland: Raw, tmp_path: Path) -> None:
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-06")
    table = minimised(cleveland.world, extract, dataset_of(cleveland.world.hub(), "crimes"))
    honest = cleveland.sealed(extract)
    more = cleveland.sealed(extract, table=table.append_column("suspect", pa.array(["Nobody"] * table.num_rows)))
    totals, digest = dict(honest.manifest.totals), honest.manifest.rows_digest
    with nothing_kept(cleveland.world, refused=1):
        submission = cleveland.sent(more.altered(totals=totals, rows_digest=digest))
        reason = refused_receipt(cleveland, submission, f"{CRIMES}, sealed parts")
    assert "agreed schema" in reason


def test_unknown_column_in_the_totals(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    with nothing_kept(cleveland.world):
        found = refused(
            cleveland.announce(sealed.altered(totals={**sealed.manifest.totals, "suspect": 0})), 422, "bad-manifest", f"{CRIMES}, fields"
        )
    assert "last_outcome" in found["remedy"]


def test_rows_that_break_a_rule(cleveland: Raw, tmp_path: Path) -> None:
    """The agency's client would have stopped them; the hub checks for itself, and repeats no value."""
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-06")
    table = minimised(cleveland.world, extract, dataset_of(cleveland.world.hub(), "crimes"))
    types = pa.array(["Quillfeather"] + ["Drugs"] * (table.num_rows - 1))
    place = table.schema.get_field_index("crime_type")
    with nothing_kept(cleveland.world, refused=1):
        submission = cleveland.sent(cleveland.sealed(extract, table=table.set_column(place, "crime_type", types)))
        reason = refused_receipt(cleveland, submission, f"{CRIMES}, field crime_type")
    assert "1 row breaks the rule" in reason
    assert "Quillfeather" not in str(cleveland.state(submission))


# -------------------------------------------------------------------------------------------------------- wrong agreement


def test_an_agreement_that_is_not_there(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    with nothing_kept(cleveland.world):
        refused(cleveland.announce(sealed.altered(agreement="sha256:" + "0" * 64)), 404, "unknown-agreement", "no agreement")


@pytest.mark.parametrize("members", [{"reference": "LCJP-MV8"}, {"version": 2}, {"supplier": DURHAM}])
def test_another_agreements_name(cleveland: Raw, tmp_path: Path, members: dict[str, Any]) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    with nothing_kept(cleveland.world):
        refused(cleveland.announce(sealed.altered(**members)), 422, "bad-manifest", f"LCJP-MV7 version 1, parties, {CLEVELAND}")


def test_a_part_sealed_under_another_agreement(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"), bound="sha256:" + "0" * 64)
    with nothing_kept(cleveland.world, refused=1):
        reason = refused_receipt(cleveland, cleveland.sent(sealed), f"{CRIMES}, sealed parts")
    assert "does not open" in reason


def test_a_dataset_that_is_not_agreed(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    with nothing_kept(cleveland.world):
        found = refused(cleveland.announce(sealed.altered(dataset="victims")), 403, "refused-by-agreement", "LCJP-MV7 version 1, datasets")
    assert found["remedy"] == "It names: crimes, outcomes."


# -------------------------------------------------------------------------------------------------------------- wrong key


def test_manifest_signed_with_another_key(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    theirs = Raw(cleveland.world, DURHAM).agency.manifest_key
    with nothing_kept(cleveland.world):
        for key in (SigningKey.generate(), theirs, cleveland.agency.client_key):
            found = refused(cleveland.announce(sealed, key), 422, "wrong-key", f"LCJP-MV7 version 1, parties, {CLEVELAND}")
            assert cleveland.agency.manifest_key.public.fingerprint in found["remedy"]


def test_client_assertion_with_another_key(cleveland: Raw) -> None:
    """Who is calling is not known, so no agreement is named either."""
    theirs = Raw(cleveland.world, DURHAM).agency.client_key
    for key in (SigningKey.generate(), theirs, cleveland.agency.manifest_key):
        answer = cleveland.assertion(key)
        found = document_of(answer)
        assert (answer.status_code, found["code"], "clause" in found) == (401, "unknown-client", False)
        assert found["remedy"]


def test_part_sealed_to_another_key(cleveland: Raw, tmp_path: Path) -> None:
    other = EncryptionKey.generate().public
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"), sealing=other)
    with nothing_kept(cleveland.world, refused=1):
        reason = refused_receipt(cleveland, cleveland.sent(sealed), f"{CRIMES}, sealed parts")
    assert "another key" in reason


def test_a_sealing_key_that_is_not_in_use(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    with nothing_kept(cleveland.world):
        answer = cleveland.announce(sealed.altered(sealing_key="seal-20200101-00000000"))
        refused(answer, 422, "sealing-key-expired", f"{CRIMES}, sealed parts")


def test_pseudonyms_under_another_secret(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    with nothing_kept(cleveland.world):
        for members in ({"key_check": "0" * 16}, {"epoch": 2}, {"normaliser": 2}):
            refused(cleveland.announce(sealed.altered(**members)), 422, "linkage-mismatch", f"{CRIMES}, linkage")


def test_the_client_with_another_manifest_key(prepared: World, tmp_path: Path) -> None:
    """The agency has the wrong key file: its own command says so, and keeps nothing of the extract."""
    world = copied(prepared, tmp_path / "run")
    home = world.home(CLEVELAND)
    other = tmp_path / "other"
    assert agency("init", "--party", CLEVELAND, "--hub", world.address, "--home", other).code == 0
    (home / "keys" / "manifest.json").write_bytes((other / "keys" / "manifest.json").read_bytes())
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-06")
    with Server(world) as server:
        server.start()
        with nothing_kept(world):
            ended = agency("push", "crimes", extract.path, "--period", extract.period, "--home", home)
    assert ended.code == 9
    assert "LCJP-MV7 version 1, parties, cleveland-police" in ended.err
    assert "Sign with the key" in ended.err
    assert names(home / "spool") == []


# ---------------------------------------------------------------------------------------------------------- tampered part


def flipped(body: bytes, at: int = -1) -> bytes:
    changed = bytearray(body)
    changed[at] ^= 1
    return bytes(changed)


def test_part_tampered_with_on_the_way(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    [part], clause = sealed.parts, f"{CRIMES}, sealed parts"
    submission = cleveland.announce(sealed).json()["submission"]
    with nothing_kept(cleveland.world):
        refused(cleveland.put(submission, 1, flipped(part)), 422, "part-mismatch", clause)
        refused(cleveland.put(submission, 1, flipped(part), content_digest(part)), 422, "part-damaged", clause)
        refused(cleveland.put(submission, 1, part, content_digest(flipped(part))), 422, "part-damaged", clause)
        refused(cleveland.put(submission, 1, part[:-1]), 422, "part-mismatch", clause)
        refused(cleveland.put(submission, 1, part + b"!"), 413, "part-mismatch", clause)
        refused(cleveland.put(submission, 1, part, ""), 411, "length-required", clause)
        refused(cleveland.put(submission, 2, part), 404, "no-such-part", clause)
        found = refused(cleveland.complete(submission), 409, "parts-missing", clause)
    assert found["missing"] == [1]
    assert cleveland.put(submission, 1, part).status_code == 201
    assert cleveland.complete(submission).status_code == 202
    assert cleveland.decided(submission)["state"] == "held"


@contextmanager
def unprocessed(prepared: World, folder: Path) -> Iterator[tuple[World, Raw]]:
    """A hub that takes everything in and opens nothing, until somebody else does."""
    world = copied(prepared, folder)
    world.add(world.config, "process_every = 86400\n")
    with Server(world) as server:
        server.start()
        yield world, Raw(world, CLEVELAND)


def test_part_tampered_with_where_it_waits(prepared: World, tmp_path: Path) -> None:
    with unprocessed(prepared, tmp_path / "run") as (world, raw):
        submission = raw.sent(raw.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06")))
        staging = world.hub().places.staging
        [name] = staging.names()
        put_there(staging, name, flipped(content_of(staging, name), 2000))
        with reading(world.hub().engine) as session:
            assert session.get_one(SubmissionRow, submission).state == SubmissionState.COMPLETE
        world.exchange("worker", "--once")
        reason = refused_receipt(raw, submission, f"{CRIMES}, sealed parts")
        assert "digest the manifest names" in reason
        after = kept(world)
        assert (after["states"], after["held_parts"], after["objects"], after["staging"]) == ({"refused": 1}, 0, [], [])
        again = raw.sent(raw.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06")))
        world.exchange("worker", "--once")
        assert raw.decided(again)["state"] == "held"


# ----------------------------------------------------------------------------------------------------------------- repeat


def test_repeats_find_what_they_repeat(cleveland: Raw, tmp_path: Path) -> None:
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-07")
    sealed = cleveland.sealed(extract)
    submission = cleveland.sent(sealed)
    receipt = cleveland.decided(submission)["receipt"]
    with nothing_kept(cleveland.world):
        same = cleveland.announce(sealed)
        assert (same.status_code, same.json()["submission"], same.json()["receipt"]) == (200, submission, receipt)
        assert cleveland.put(submission, 1, sealed.parts[0]).status_code == 200
        assert cleveland.complete(submission).json()["receipt"] == receipt
        content = cleveland.announce(cleveland.sealed(extract))
        assert (content.status_code, content.json()["same_content"], content.json()["receipt"]) == (200, True, receipt)
        ended = agency("push", "crimes", extract.path, "--period", extract.period, "--home", cleveland.world.home(CLEVELAND))
        assert ended.code == 0
        assert "held this content already" in ended.out
        refused(cleveland.announce(sealed.altered(after=submission)), 409, "upload-conflict", f"{CRIMES}, uploads")
        other = small(tmp_path, CLEVELAND, "crimes", "2021-07", first=40)
        moved = refused(cleveland.announce(cleveland.sealed(other).altered(after=None)), 409, "head-moved", f"{CRIMES}, mode")
        assert moved["head"] == submission


def at_once(*calls: Callable[[], requests.Response]) -> list[requests.Response]:
    """The answers of calls made at the same moment."""
    together = threading.Barrier(len(calls))

    def one(call: Callable[[], requests.Response]) -> requests.Response:
        together.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_the_same_upload_many_times_at_once(server: Server, tmp_path: Path) -> None:
    raws = [Raw(server.world, CLEVELAND) for _ in range(6)]
    sealed = raws[0].sealed(small(tmp_path, CLEVELAND, "crimes", "2022-01"), parts=2)
    before = kept(server.world)
    announced = at_once(*((lambda raw=raw: raw.announce(sealed)) for raw in raws))
    assert sorted(answer.status_code for answer in announced) == [200] * 5 + [201]
    [submission] = {answer.json()["submission"] for answer in announced}
    for number, part in enumerate(sealed.parts, 1):
        put = at_once(*((lambda raw=raw, number=number, part=part: raw.put(submission, number, part)) for raw in raws))
        assert sorted(answer.status_code for answer in put) == [200] * 5 + [201]
    done = at_once(*((lambda raw=raw: raw.complete(submission)) for raw in raws))
    assert {answer.status_code for answer in done} == {202}
    assert len({str(answer.json()["acknowledgement"]) for answer in done}) == 1
    assert raws[0].decided(submission)["state"] == "held"
    after = kept(server.world)
    assert after["states"]["held"] == before["states"].get("held", 0) + 1
    assert len(after["objects"]) == len(before["objects"]) + 2
    assert after["staging"] == before["staging"]
    what = [entry["what"] for entry in log_entries(server.world.hub()) if entry["subject"] == submission]
    assert what == ["submission opened", "submission acknowledged", "submission held"]


def test_two_contents_of_one_month_at_once(server: Server, tmp_path: Path) -> None:
    """Both follow no head. One is held; the other is told, and loses nothing: pushed again, it follows the first."""
    raws = [Raw(server.world, CLEVELAND) for _ in range(2)]
    extracts = [small(tmp_path, CLEVELAND, "crimes", "2022-02", first=first) for first in (0, 40)]
    both = [raw.sealed(extract) for raw, extract in zip(raws, extracts, strict=True)]
    opened = [str(raw.announce(one).json()["submission"]) for raw, one in zip(raws, both, strict=True)]
    for raw, one, submission in zip(raws, both, opened, strict=True):
        assert raw.put(submission, 1, one.parts[0]).status_code == 201
    at_once(*((lambda raw=raw, submission=submission: raw.complete(submission)) for raw, submission in zip(raws, opened, strict=True)))
    decided = {raw.decided(submission)["state"]: number for number, (raw, submission) in enumerate(zip(raws, opened, strict=True))}
    assert set(decided) == {"held", "refused"}
    loser = decided["refused"]
    reason = refused_receipt(raws[loser], opened[loser], f"{CRIMES}, mode")
    assert "Push again, following it." in reason
    again = raws[loser].sealed(extracts[loser])
    assert again.manifest.after == opened[decided["held"]]
    assert raws[loser].decided(raws[loser].sent(again))["state"] == "held"
    assert raws[0].state(opened[decided["held"]])["state"] == "superseded"


# --------------------------------------------------------------------------------------------------------- half an upload


@contextmanager
def half_put(raw: Raw, submission: str, part: bytes) -> Iterator[socket.socket]:
    """A connection on which the first half of part 1 has been sent, and has arrived."""
    address, settings = urlsplit(raw.world.address), raw.world.hub().settings
    before = names_in(settings, "staging")
    head = (
        f"PUT /v1/submissions/{submission}/parts/1 HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {raw.token}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(part)}\r\nContent-Digest: {content_digest(part)}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30) as wire:
        wire.sendall(head.encode() + part[: len(part) // 2])
        assert within(10, lambda: names_in(settings, "staging") != before), "nothing of it ever arrived"
        yield wire


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Whether it becomes true in time."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_a_connection_cut_in_the_midst_of_a_part(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2022-03"), parts=2)
    submission = cleveland.announce(sealed).json()["submission"]
    with nothing_kept(cleveland.world):
        before = names_in(cleveland.world.hub().settings, "staging")
        with half_put(cleveland, submission, sealed.parts[0]):
            pass
        assert within(30, lambda: names_in(cleveland.world.hub().settings, "staging") == before)
        assert cleveland.state(submission)["missing"] == [1, 2]
        found = refused(cleveland.complete(submission), 409, "parts-missing", f"{CRIMES}, sealed parts")
        assert found["missing"] == [1, 2]
    assert cleveland.put(submission, 2, sealed.parts[1]).status_code == 201
    found = refused(cleveland.complete(submission), 409, "parts-missing", f"{CRIMES}, sealed parts")
    assert (found["missing"], found["remedy"]) == ([1], "Put them, then complete.")
    assert cleveland.put(submission, 1, sealed.parts[0]).status_code == 201
    assert cleveland.complete(submission).status_code == 202
    assert cleveland.decided(submission)["state"] == "held"


def test_a_part_that_ends_after_the_submission_was_held(cleveland: Raw, tmp_path: Path) -> None:
    """Somebody was slow, put it again, and the second came through: what the first leaves is not kept."""
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2022-07"))
    submission, [part] = cleveland.announce(sealed).json()["submission"], sealed.parts
    before = names_in(cleveland.world.hub().settings, "staging")
    with half_put(cleveland, submission, part) as wire:
        assert cleveland.put(submission, 1, part).status_code == 201
        assert cleveland.complete(submission).status_code == 202
        assert cleveland.decided(submission)["state"] == "held"
        wire.sendall(part[len(part) // 2 :])
        assert b" 200 " in wire.recv(100)  # the same part again, which changes nothing
    assert names_in(cleveland.world.hub().settings, "staging") == before
    assert cleveland.state(submission)["state"] == "held"


def test_half_the_rows(cleveland: Raw, tmp_path: Path) -> None:
    """A manifest that says more than its parts hold is refused whole."""
    extract = small(tmp_path, CLEVELAND, "crimes", "2022-04")
    whole, half = cleveland.sealed(extract), cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2022-04", rows=20))
    with nothing_kept(cleveland.world, refused=1):
        lying = half.altered(rows_digest=whole.manifest.rows_digest)
        reason = refused_receipt(cleveland, cleveland.sent(lying), f"{CRIMES}, control totals")
    assert "not those that the manifest says" in reason


# --------------------------------------------------------------------------------------- what the agreement does not admit


@pytest.mark.parametrize(
    ("members", "clause", "remedy"),
    [
        ({"mode": "append"}, "mode", "Submit it with mode replace."),
        ({"mode": "snapshot"}, "mode", "Submit it with mode replace."),
        ({"period": "2020-12"}, "period", "Send 2021-01 and later."),
        ({"period": "2021-Q2"}, "period", "Name a month."),
        ({"period": "2036-06"}, "period", "Send it when it has."),
    ],
)
def test_wrong_mode_or_period(cleveland: Raw, tmp_path: Path, members: dict[str, str], clause: str, remedy: str) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2021-06"))
    with nothing_kept(cleveland.world):
        found = refused(cleveland.announce(sealed.altered(**members)), 403, "refused-by-agreement", f"{CRIMES}, {clause}")
    assert found["remedy"] == remedy


def test_rows_of_another_month(cleveland: Raw, tmp_path: Path) -> None:
    sealed = cleveland.sealed(small(tmp_path, CLEVELAND, "crimes", "2022-05"))
    with nothing_kept(cleveland.world, refused=1):
        reason = refused_receipt(cleveland, cleveland.sent(sealed.altered(period="2022-06")), f"{CRIMES}, field month")
    assert "must lie in the period 2022-06" in reason


def test_an_expired_agreement(keys_made: World, tmp_path: Path) -> None:
    today = day_of(datetime.now(UTC))
    world = copied(keys_made, tmp_path / "run")
    yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    agree_at(world, lambda text: term(text, today - timedelta(days=30), today), yesterday)
    clause, remedy = "LCJP-MV7 version 1, term", "Sign a new version to go on sharing."
    with Server(world) as server:
        server.start()
        with nothing_kept(world):
            extract = small(tmp_path, CLEVELAND, "crimes", "2021-06")
            push = ("push", "crimes", extract.path, "--period", extract.period, "--home", world.home(CLEVELAND))
            named = agency(*push, "--agreement", "LCJP-MV7")
            assert (named.code, clause in named.err, remedy in named.err) == (5, True, True)
            assert agency(*push).code == 5
            raw = Raw(world, CLEVELAND)
            raw.run.verified("LCJP-MV7")
            sealed = raw_without_secret(raw, extract)
            found = refused(raw.announce(sealed), 403, "refused-by-agreement", clause)
            assert "expired on" in found["detail"]
            assert found["remedy"] == remedy
    # Only a party's own refusals are logged, each with its clause.
    logged = [entry["details"]["clause"] for entry in log_entries(world.hub()) if entry["what"] == "refused"]
    assert logged == [clause]


def raw_without_secret(raw: Raw, extract: Extract) -> Any:
    """An upload of an agreement that has no linkage secret: pseudonyms under one made up here."""
    raw.agency.secrets.put("LCJP-MV7", 1, bytes(range(32)))
    return raw.sealed(extract)


def term(text: str, begins: date, ends: date) -> str:
    """The agreement in force between these days."""
    return replaced(
        text,
        ("in_force_from = 2026-11-01", f"in_force_from = {begins}"),
        ("expires = 2036-11-01", f"expires = {ends}"),
        ("review = 2027-05-01", f"review = {begins}"),
    )


# -------------------------------------------------------------------------------------------------------- overdue data


def last_month_but(months: int) -> str:
    """A month, so many before this one."""
    today = day_of(datetime.now(UTC))
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return f"{year}-{month + 1:02d}"


@pytest.fixture(scope="module")
def short_retention(keys_made: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The agreement with a retention of three months. Not to be changed: copy it."""
    world = copied(keys_made, tmp_path_factory.mktemp("short") / "run")
    agree(world, lambda text: replaced(text, ('mode = "replace"\nretention = "P10Y"', 'mode = "replace"\nretention = "P3M"')))
    share_secret(world)
    return world


def test_overdue_data(short_retention: World, tmp_path: Path) -> None:
    world = copied(short_retention, tmp_path / "run")
    clause, period = f"{CRIMES}, retention", last_month_but(5)
    extract = small(tmp_path, CLEVELAND, "crimes", period)
    with Server(world) as server:
        server.start()
        with nothing_kept(world):
            ended = agency("push", "crimes", extract.path, "--period", period, "--home", world.home(CLEVELAND))
            assert (ended.code, clause in ended.err, "destroy the extract" in ended.err) == (5, True, True)
            raw = Raw(world, CLEVELAND)
            found = refused(raw.announce(raw.sealed(extract)), 403, "refused-by-agreement", clause)
    assert f"data of {period} were due for destruction" in found["detail"]
    assert "destroy the extract" in found["remedy"]


def test_data_that_fall_due_while_they_wait(short_retention: World, tmp_path: Path) -> None:
    """Accepted in time, opened too late: refused under the retention clause, by the hub's own job with its clock two years on."""
    with unprocessed(short_retention, tmp_path / "run") as (world, raw):
        extract = small(tmp_path, CLEVELAND, "crimes", last_month_but(1))
        submission = raw.sent(raw.sealed(extract))
    hub = replace(world.hub(), clock=lambda: datetime.now(UTC) + timedelta(days=150))
    schedule.process_pending(hub)
    with reading(hub.engine) as session:
        row = session.get_one(SubmissionRow, submission)
        assert row.state == SubmissionState.REFUSED
        assert row.receipt is not None
        [reason] = row.receipt["document"]["reasons"]
    assert reason["clause"] == f"{CRIMES}, retention"
    assert "destroy the extract" in reason["reason"]
    after = kept(world)
    assert (after["held_parts"], after["objects"], after["staging"]) == (0, [], [])


def test_data_that_fall_due_before_they_are_complete(short_retention: World, tmp_path: Path) -> None:
    """Announced in time and never completed: the retention job takes the parts away, and says so."""
    with unprocessed(short_retention, tmp_path / "run") as (world, raw):
        sealed = raw.sealed(small(tmp_path, CLEVELAND, "crimes", last_month_but(1)))
        submission = raw.announce(sealed).json()["submission"]
        assert raw.put(submission, 1, sealed.parts[0]).status_code == 201
        assert len(names_in(world.hub().settings, "staging")) == 1
        schedule.dispose_due(replace(world.hub(), clock=lambda: datetime.now(UTC) + timedelta(days=150)))
        assert raw.state(submission)["state"] == "disposed"
        assert names_in(world.hub().settings, "staging") == []
        answer = raw.complete(submission)
        assert answer.json()["state"] == "disposed"
        refused(raw.put(submission, 1, sealed.parts[0]), 409, "not-open", f"{CRIMES}, sealed parts")
