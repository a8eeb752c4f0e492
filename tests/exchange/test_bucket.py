"""Objects on a real S3 server: written once, read and removed as a folder's are, with nothing of the hub's credentials in any message."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exchange.bucket import Service as Reached
from exchange.bucket import ServiceFailedError, Space
from exchange.errors import Conflict, Misconfigured, Unacceptable
from exchange.kept_in_bucket import BucketObjects
from exchange.objects import Objects, Store
from exchange.where import InBucket
from keys.parquet import EncryptedWriter, decrypting_dataset, new_data_key
from tests.s3 import LazyS3, Service, s3_service

__all__ = ["s3_service"]


@pytest.fixture
def server(s3_service: LazyS3) -> Service:
    return s3_service()


@pytest.fixture(params=["folder", "bucket", "versioned bucket"])
def store(request: pytest.FixtureRequest, s3_service: LazyS3, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Objects(tmp_path)
    server = s3_service()
    place = InBucket(server.locking(), "held") if request.param == "versioned bucket" else server.place()
    return BucketObjects(server.space(place), tmp_path)


def written(store: Store, name: str, content: bytes) -> None:
    draft = store.draft(name)
    draft.write_bytes(content)
    store.keep(draft, name)
    assert not draft.exists()


def test_what_a_store_does(store: Store, tmp_path: Path) -> None:
    for number in (1, 2, 10):
        written(store, f"ab12.{number}.x", bytes(number))
    written(store, "cd34.1.x", b"1")
    assert store.holds("ab12.2.x", 2)
    assert not store.holds("ab12.2.x", 3)
    assert not store.holds("ab12.3.x", 3)
    assert store.beginning("ab12.") == ["ab12.1.x", "ab12.10.x", "ab12.2.x"]
    assert store.sizes("ab12.") == {"ab12.1.x": 1, "ab12.2.x": 2, "ab12.10.x": 10}
    assert list(store.names()) == ["ab12.1.x", "ab12.10.x", "ab12.2.x", "cd34.1.x"]
    assert list(store.names(timedelta(hours=1))) == []
    with store.at_hand(["ab12.10.x", "cd34.1.x"]) as files:
        assert [file.read_bytes() for file in files] == [bytes(10), b"1"]
    store.save("ab12.2.x", tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == bytes(2)
    with pytest.raises(FileNotFoundError):
        store.save("ab12.3.x", tmp_path / "saved")
    store.draft("ab12.4.x").write_bytes(b"killed")
    assert store.sweep() == 1
    store.remove(["ab12.1.x", "ab12.2.x", "ab12.9.x"])
    store.delete("ab12.10.x")
    store.delete("ab12.10.x")
    store.remove([])
    assert list(store.names()) == ["cd34.1.x"]
    for name in ("../x", "a/b", "A", ""):
        with pytest.raises(Unacceptable):
            store.holds(name, 1)


def test_many_parts_are_kept_and_read_as_rows(store: Store) -> None:
    schema, drafts, files = pa.schema([("a", pa.int64())]), [], []
    for number in range(5):
        name, key = f"ab12.{number}.parquet", new_data_key()
        draft = store.draft(name)
        with EncryptedWriter(draft, schema, key, name) as writer:
            writer.write(pa.table({"a": [number] * 3}, schema=schema))
        drafts.append((draft, name))
        files.append((store.place(name), key, name))
    store.keep_all(drafts)
    read = decrypting_dataset(files, schema, filesystem=store.filesystem).to_table()
    assert read.column("a").to_pylist() == [number for number in range(5) for _ in range(3)]
    store.delete("ab12.3.parquet")
    with pytest.raises(OSError, match=r"ab12\.3|not|No such"):
        decrypting_dataset(files, schema, filesystem=store.filesystem).to_table()


def test_an_object_is_never_written_over_but_the_same_again_is_no_error(server: Service, tmp_path: Path) -> None:
    space = server.space()
    held, staging = BucketObjects(space.within("held"), tmp_path), BucketObjects(space.within("staging"), tmp_path, renews=True)
    for store in (held, staging):
        written(store, "ab12.1.x", b"first")
        written(store, "ab12.1.x", b"first")
    with pytest.raises(Conflict):
        written(held, "ab12.1.x", b"second")
    written(staging, "ab12.1.x", b"second")
    assert space.read("held/ab12.1.x") == (b"first", space.stamp("held/ab12.1.x"))
    assert space.read("staging/ab12.1.x") == (b"second", space.stamp("staging/ab12.1.x"))


def test_a_versioned_bucket_keeps_nothing_of_what_was_removed(server: Service) -> None:
    space = server.space(InBucket(server.locking(), "held"))
    stamp = space.create("a", b"1")
    assert stamp is not None
    assert space.swap("a", b"2", stamp) is not None
    space.erase("a")
    assert space.read("a") is None
    assert not server.client.list_object_versions(Bucket=space.place.bucket).get("Versions")


def test_what_is_locked_outlives_whoever_removes_it(server: Service) -> None:
    space = server.space(InBucket(server.locking(), "leaves"))
    assert space.create("a", b"1", locked=timedelta(days=1)) is not None
    space.erase("a")
    [version] = server.client.list_object_versions(Bucket=space.place.bucket)["Versions"]
    found = server.client.get_object(Bucket=space.place.bucket, Key=version["Key"], VersionId=version["VersionId"])
    assert found["Body"].read() == b"1"


class Careless(Space):
    """A service that takes any put."""

    def _put(self, name: str, data: Any, **more: Any) -> str | None:
        return super()._put(name, data, **{key: value for key, value in more.items() if not key.startswith("If")})


def test_a_service_that_ignores_conditions_is_refused(server: Service) -> None:
    server.space().check()
    with pytest.raises(Misconfigured, match="ignores the conditions"):
        Careless(server.service, server.place()).check()
    with pytest.raises(Misconfigured, match="no such bucket"):
        server.space(InBucket("no-such-bucket", "")).check()


@pytest.fixture
def away(server: Service, tmp_path: Path) -> tuple[Space, str]:
    secret = secrets.token_hex(16)
    file = tmp_path / "credentials"
    file.write_text(f"[default]\naws_access_key_id = hub\naws_secret_access_key = {secret}\n")
    file.chmod(0o600)
    return Space(Reached(server.endpoint, "us-east-1", file), InBucket("tests", "x")), secret


def test_what_fails_says_what_to_do_and_no_secret(away: tuple[Space, str]) -> None:
    space, secret = away
    nobody = Space(Reached("http://127.0.0.1:9", "us-east-1", space.service.credentials), InBucket("tests", "x"))
    for one in (space, nobody):
        asked: list[Callable[[], object]] = [partial(one.read, "a"), partial(one.create, "a", b"x"), partial(one.names, "")]
        for what in asked:
            with pytest.raises(ServiceFailedError) as error:
                what()
            assert error.value.status == 503
            assert secret not in str(error.value)
            assert "127.0.0.1" not in str(error.value)
            assert error.value.__cause__ is None
            assert "operator" in error.value.remedy
    space.service.credentials.chmod(0o644)
    with pytest.raises(Misconfigured, match="readable by everyone"):
        Reached("http://127.0.0.1:8", "us-east-1", space.service.credentials).client  # noqa: B018  # making it is the test
