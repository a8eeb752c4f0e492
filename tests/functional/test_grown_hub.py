"""One hub on PostgreSQL, an S3 service and OpenBao, by its settings alone: set up, pushed to, published from, backed up, lost, put back."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import make_url

from demo.cast import OPERATOR, RECIPIENT, REFERENCE, RELEASE
from demo.stage import hub
from exchange.commands.running import OUR_ERRORS
from exchange.errors import Misconfigured
from exchange.settings import Settings, read_settings
from exchange.submissions import retention
from exchange.where import InBucket
from tests.functional.raw import Raw, small
from tests.functional.world import (
    CLEVELAND,
    DURHAM,
    World,
    agency,
    agree,
    copied,
    make_keys,
    operator,
    person,
    replaced,
    serving,
    share_secret,
)
from tests.keys.services import KeyService, key_service
from tests.postgres import Lazy, Postgres, postgres, programs
from tests.s3 import EVERYTHING, LazyS3, Service, s3_service

__all__ = ["postgres", "s3_service"]
MONTH, OTHER = "2021-06", "2021-07"
OWN = {"hub.toml", "cards", "charts", "drafts", "host"}
"""What docs/running.md says is in the folder: settings, the cards to hand out, and this host's own drafts, charts and id (and locks)."""


@dataclass
class Engines:
    """The three servers that others trust; what is made on them by one test."""

    server: Postgres
    s3: Service
    bao: KeyService
    made: list[str] = field(default_factory=list)

    def database(self) -> str:
        """A new database."""
        self.made.append(self.server.create())
        return self.made[-1]

    def places(self) -> dict[str, InBucket]:
        """Places that nobody has used before."""
        return {name: self.s3.place(name) for name in ("objects", "staging", "keystore", "leaves")}

    def settings(self, **other: object) -> str:
        """What goes with `exchange init --settings`."""
        said: dict[str, object] = {**self.places(), "home": ".", "leaves_lock_days": 1, **self.s3.settings, "root_provider": "transit"}
        said |= {
            "transit_address": self.bao.address,
            "transit_token_file": self.bao.token_file,
            "root_prefix": f"lcjp-root-{len(self.made)}",
        }
        said |= other
        return "".join(f"{name} = {value}\n" if isinstance(value, int) else f'{name} = "{value}"\n' for name, value in said.items())


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyService]:
    with key_service(tmp_path_factory.mktemp("bao")) as found:
        yield found


@pytest.fixture
def engines(postgres: Lazy, s3_service: LazyS3, bao: KeyService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engines]:
    found = Engines(postgres(), s3_service(), bao)
    monkeypatch.setenv("PATH", f"{programs()}{os.pathsep}{os.environ['PATH']}")  # pg_dump and pg_restore of the server's version
    yield found
    for database in found.made:
        found.server.drop(database)


@pytest.fixture
def world(engines: Engines, tmp_path: Path) -> World:
    further = tmp_path / "further.toml"
    log = InBucket(engines.s3.locking(), "leaves")  # nobody removes what is put there
    further.write_text(engines.settings(leaves=log), encoding="utf-8")
    made = make_keys(tmp_path / "made", "--database-url", engines.database(), "--settings", str(further))
    world = copied(made, tmp_path / "run")
    agree(world)
    share_secret(world)
    return world


def pushed(world: World, folder: Path, party: str, dataset: str, month: str) -> str:
    """A month of an agency's, by its own program; the submission."""
    extract = small(folder, party, dataset, month, rows=400)
    done = agency("push", dataset, extract.path, "--period", month, "--home", world.home(party), "--json")
    assert done.code == 0, done
    return str(json.loads(done.out)["submissions"][0]["receipt"]["submission"])


def held(world: World, folder: Path, party: str, dataset: str, month: str) -> str:
    """The same in this process, which is quicker."""
    raw = Raw(world, party)
    submission = raw.sent(raw.sealed(small(folder, party, dataset, month, rows=400)))
    assert raw.decided(submission)["state"] == "held"
    return submission


def published(world: World) -> str:
    """An edition of the month, checked by two."""
    asked = ("--json", "release", "request", REFERENCE, RELEASE, "--from", MONTH, "--to", MONTH)
    edition = str(json.loads(world.exchange(*asked, "--key", person(world, OPERATOR, "checker")))["edition"])
    for party in (CLEVELAND, DURHAM):
        world.exchange("release", "check", edition, "--approve", "--key", person(world, party, "checker"))
    return edition


def pulled(world: World, folder: Path) -> dict[str, bytes]:
    """The newest edition, by the recipient's own program."""
    done = agency("pull", REFERENCE, RELEASE, "--home", world.home(RECIPIENT), "--to", folder)
    assert done.code == 0, done
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lose(world: World, engines: Engines) -> None:
    """Folder, database, objects and sealed parts are lost, keystore and second store are not; in a new folder settings alone, with new places."""
    text, database = world.config.read_text(encoding="utf-8"), engines.made.pop()
    engines.server.drop(database)
    text = replaced(text, (str(make_url(database).database), str(make_url(engines.database()).database)))
    settings = read_settings(world.config)
    for name, place in (("objects", settings.objects), ("staging", settings.staging)):
        assert isinstance(place, InBucket)
        space = engines.s3.space(place)
        space.erase_all(space.names(""))
        text = replaced(text, (str(place), str(engines.s3.place(name))))
    shutil.rmtree(world.places.hub)
    world.places.hub.mkdir()
    world.config.write_text(text, encoding="utf-8")


def there(world: World) -> set[str]:
    """What lies in the hub's folder, but for locks."""
    return {path.name for path in world.places.hub.iterdir() if path.suffix != ".lock"}


def test_a_grown_hub_from_its_first_day_to_the_day_after_its_loss(world: World, engines: Engines, tmp_path: Path) -> None:
    backup, roots = tmp_path / "backup", engines.bao.root_keys()
    assert there(world) <= OWN
    with serving(world):
        pushed(world, tmp_path, CLEVELAND, "crimes", MONTH)
        for party, dataset in ((CLEVELAND, "outcomes"), (DURHAM, "crimes"), (DURHAM, "outcomes")):
            held(world, tmp_path, party, dataset, MONTH)
        published(world)
        before = pulled(world, tmp_path / "before")
        gone = held(world, tmp_path, CLEVELAND, "crimes", OTHER)
        assert world.exchange("status").startswith("Nothing is the matter.")
        world.exchange("backup", backup)
        here = world.hub()
        retention.dispose(here.engine, here.keyring, here.places, gone, here.clock())
        here.engine.dispose()
        unknown = held(world, tmp_path, DURHAM, "crimes", OTHER)
        assert agency("watch", "--home", world.home(CLEVELAND)).code == 0
    assert there(world) <= OWN
    assert engines.bao.root_keys() != roots
    assert len(engines.bao.root_keys()) == len(roots)

    lose(world, engines)
    world.exchange("restore", backup)
    refused = operator(world.config, "serve")
    assert (refused.code, "exchange restore --replay" in refused.err) == (3, True), refused
    told = json.loads(world.exchange("--json", "restore", "--replay"))
    assert (told["destroyed"], [one["submission"] for one in told["lost"]]) == ([gone], [unknown])
    with serving(world):
        assert world.exchange("status").startswith("Nothing is the matter.")
        assert agency("watch", "--home", world.home(CLEVELAND)).code == 0
        assert Raw(world, CLEVELAND).state(gone)["state"] == "disposed"
        assert pulled(world, tmp_path / "after") == before
        pushed(world, tmp_path, DURHAM, "crimes", OTHER)
    assert "The log holds" in world.exchange("log", "verify")
    assert there(world) <= OWN
    with pytest.raises(Misconfigured, match="a database already"):
        world.exchange("restore", backup)


# ------------------------------------------------------------------------------------------------------- what is refused


@dataclass
class Beginning:
    """A hub that is to be set up, and what was there before."""

    engines: Engines
    folder: Path

    def init(self, name: str, database: str, **other: object) -> Settings:
        """`exchange init` of a folder, with these settings other than they should be; the hub's own."""
        further, home = self.folder / "further.toml", self.folder / name / "hub"
        further.write_text(self.engines.settings(**other), encoding="utf-8")
        hub(None, "init", home, "--database-url", database, "--settings", further)
        return read_settings(home / "hub.toml")

    def there(self) -> tuple[object, ...]:
        """Everything that an attempt could leave: files, tables, objects, root keys."""
        s3, bao = self.engines.s3, self.engines.bao
        buckets = sorted(one["Name"] for one in s3.client.list_buckets()["Buckets"])
        objects = [(name, key["Key"]) for name in buckets for key in s3.client.list_objects_v2(Bucket=name).get("Contents", [])]
        return sorted(self.folder.rglob("*")), objects, bao.root_keys()


@contextmanager
def read_only(engines: Engines) -> Iterator[None]:
    """The hub's credentials may not write."""
    engines.s3.may("Read", "List")
    try:
        yield
    finally:
        engines.s3.may(*EVERYTHING)


def test_what_a_grown_hub_cannot_begin_on_is_named_and_leaves_nothing(engines: Engines, tmp_path: Path) -> None:
    beginning, other = Beginning(engines, tmp_path), engines.database()
    taken = beginning.init("first", engines.database())
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id = nobody\naws_secret_access_key = x\n")
    credentials.chmod(0o600)
    before = beginning.there()

    def refused(says: str, remedy: str, database: str = other, name: str = "second", **given: object) -> None:
        with pytest.raises(OUR_ERRORS, match=says) as error:
            beginning.init(name, database, **given)
        assert remedy in str(error.value)
        assert beginning.there() == before

    refused("holds a hub already", "Name another folder", name="first")
    refused("no such bucket", "The operator makes it", objects="s3://nobody-made-this/objects")
    refused("403", "s3_credentials_file", s3_credentials_file=credentials)
    with read_only(engines):
        refused("AccessDenied", "s3_credentials_file")
    refused("holds something already", "another prefix for keystore", keystore=taken.keystore)
    refused("holds something already", "another prefix for second_store", leaves=taken.leaves)
    refused("a database already", "name an empty one", taken.database_url)
    refused("the key service cannot be reached", "runs and is unsealed", transit_address="http://127.0.0.1:9")
    refused("status 403", "config/transit.hcl", root_prefix="another-hubs")
    beginning.init("second", other)


def test_a_sealed_key_service_is_named_and_a_worker_looks_at_its_buckets_before_it_begins(engines: Engines, tmp_path: Path) -> None:
    beginning, database = Beginning(engines, tmp_path), engines.database()
    with key_service(tmp_path) as mine:
        other = {"transit_address": mine.address, "transit_token_file": mine.token_file}
        settings = beginning.init("first", database, **other)
        config = tmp_path / "first" / "hub" / "hub.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(replaced(text, (str(settings.objects), "s3://nobody-made-this/objects")), encoding="utf-8")
        for program in ("worker", "serve"):
            done = operator(config, program)
            assert (done.code, "there is no such bucket. The operator makes it" in done.err) == (3, True), done
        config.write_text(text, encoding="utf-8")
        with read_only(engines):
            done = operator(config, "worker")
            assert (done.code, "s3_credentials_file" in done.err) == (3, True), done
        assert mine.ask("PUT", "sys/seal").status_code == 204
        done = operator(config, "serve")
        assert (done.code, "status 503" in done.err) == (3, True), done
        with pytest.raises(Misconfigured, match=r"status 503.*runs and is unsealed"):
            beginning.init("second", engines.database(), **other)
    assert not (tmp_path / "second").exists()
