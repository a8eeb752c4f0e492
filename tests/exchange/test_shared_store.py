"""The second store that several hosts share, on a real S3 server: every line once and in order, whoever races; and nobody removes what is locked."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from exchange.errors import Misconfigured, NotFound
from exchange.log import shared_store
from exchange.log.second import GapError
from exchange.log.shared_store import SharedStore
from exchange.where import InBucket
from keys.encoding import b64
from tests.s3 import LazyS3, Service, s3_service

__all__ = ["s3_service"]


@pytest.fixture
def server(s3_service: LazyS3) -> Service:
    return s3_service()


def line(number: int, words: str = "") -> dict[str, Any]:
    return {"number": number, "leaf": b64(number.to_bytes(32, "big")), "salt": b64(bytes(32)), "entry": {"number": number, "what": words}}


def run(first: int, last: int) -> Sequence[dict[str, Any]]:
    return [line(number) for number in range(first, last)]


def test_lines_come_back_in_order_from_wherever_they_are_asked(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_store, "SEGMENT", 4)
    space = server.space()
    store = SharedStore(space, timedelta())
    assert store.size() == 0
    assert list(store.lines()) == []
    for first, last in ((0, 1), (1, 4), (3, 5), (5, 15)):  # one overlaps, one is more than an object takes
        store.extend(run(first, last))
    again = SharedStore(space, timedelta())
    assert again.size() == 15
    for after in (0, 1, 2, 4, 5, 14, 15, 20):
        assert list(again.lines(after)) == run(after, 15)
    assert len(space.names("")) == 6


def test_hosts_that_race_write_every_line_once(server: Service) -> None:
    """Each has the lines that it committed, in an order that is everybody's: as two hosts of one database."""
    space = server.space()
    hosts = [SharedStore(space, timedelta()) for _ in range(2)]
    failures: list[BaseException] = []

    def flush(host: SharedStore, numbers: range) -> None:
        try:
            for number in numbers:
                host.extend([line(number)])
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=flush, args=(host, range(begin, 16, 2))) for begin, host in enumerate(hosts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert list(SharedStore(space, timedelta()).lines()) == run(0, 16)


def test_a_gap_and_another_entry_of_the_same_number_are_not_written(server: Service) -> None:
    space = server.space()
    store, other = SharedStore(space, timedelta()), SharedStore(space, timedelta())
    store.extend(run(0, 2))
    with pytest.raises(GapError):
        other.extend([line(3)])
    for number in (0, 1):
        with pytest.raises(Misconfigured, match="another one in the second store"):
            other.extend([{**line(number), "leaf": b64(bytes([1]) * 32)}, *run(number + 1, 3)])
    assert list(store.lines()) == run(0, 2)


def test_damage_and_loss_are_said(server: Service) -> None:
    space = server.space()
    store = SharedStore(space, timedelta())
    for number in range(4):
        store.extend([line(number)])
    space.erase(space.names("")[2])
    with pytest.raises(Misconfigured, match="damaged at entry 1"):
        list(store.lines())
    for name in space.names(""):
        space.erase(name)
    with pytest.raises(FileNotFoundError):
        store.size()
    server.space(space.place).create("stranger", b"x")
    with pytest.raises(Misconfigured, match="none of its objects"):
        SharedStore(space, timedelta()).size()


def test_a_redacted_line_is_gone(server: Service) -> None:
    space = server.space()
    store = SharedStore(space, timedelta())
    store.extend(run(0, 3))
    store.extend(run(3, 4))
    assert store.redact(1) is True
    assert store.redact(1) is False
    assert [set(one) for one in store.lines()] == [set(line(0)), {"number", "leaf"}, set(line(2)), set(line(3))]
    with pytest.raises(NotFound):
        store.redact(4)
    store.extend(run(4, 5))
    assert store.size() == 5


def test_what_is_locked_is_redacted_for_every_reader_and_cannot_be_removed_by_anyone(server: Service) -> None:
    space = server.space(InBucket(server.locking(), "leaves"))
    store = SharedStore(space, timedelta(days=1))
    store.extend(run(0, 2))
    assert store.redact(1) is True
    assert "entry" not in list(store.lines())[1]
    space.erase_all(space.names(""))
    client, bucket = space.service.client, space.place.bucket
    versions = client.list_object_versions(Bucket=bucket, Prefix=space.key(""))["Versions"]
    assert any(
        b'"salt"' in client.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read().splitlines()[1]
        for one in versions
    )


def test_without_a_lock_a_redaction_leaves_no_version(server: Service) -> None:
    space = server.space(InBucket(server.locking(), "leaves"))
    store = SharedStore(space, timedelta())
    store.extend(run(0, 2))
    store.redact(1)
    assert len(server.client.list_object_versions(Bucket=space.place.bucket, Prefix=space.key(""))["Versions"]) == 1
