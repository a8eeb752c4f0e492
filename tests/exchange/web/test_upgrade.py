"""A hub from before there were people: its data stay, it gets the tables and the key it lacks, and people can sign in."""

from pathlib import Path

import pytest
from alembic import command
from click.testing import CliRunner
from sqlalchemy import inspect, text

from exchange.commands.root import cli
from exchange.db import make_engine
from exchange.errors import Misconfigured
from exchange.keyring import Keyring, make_keys
from exchange.migrate import configuration, require_current
from exchange.people.tables import (
    AttemptRow,
    IdentityRow,
    InvitationRow,
    PasskeyRow,
    PersonRow,
    SessionRow,
    WaitingRow,
)
from keys.keystore import SealedFileKeystore
from keys.providers import CredentialFileRoots
from tests.exchange.configured import configured
from tests.exchange.standing import CLEVELAND, URL, World
from tests.exchange.web.signed_in import sign_in

NEW = {row.__tablename__ for row in (AttemptRow, IdentityRow, InvitationRow, PasskeyRow, PersonRow, SessionRow, WaitingRow)}
KEPT = ("agreements", "statements", "keys", "log_entries", "log_nodes", "log_head", "linkage_epochs", "sealing_keys")


def counts(database: str) -> dict[str, int]:
    engine = make_engine(database)
    with engine.connect() as connection:
        found = {table: int(connection.execute(text(f"select count(*) from {table}")).scalar_one()) for table in KEPT}
    engine.dispose()
    return found


def test_an_older_hub_is_brought_here_with_all_it_holds(world: World) -> None:
    database, config = world.hub.settings.database_url, configured(world)
    before = counts(database)
    assert before["statements"] == 6
    engine = make_engine(database)
    older = configuration()
    with engine.begin() as connection:
        older.attributes["connection"] = connection
        command.downgrade(older, "0001")
    assert not NEW & set(inspect(engine).get_table_names())
    with pytest.raises(Misconfigured, match="0001"):
        require_current(engine)
    engine.dispose()
    assert counts(database) == before

    done = CliRunner().invoke(cli, ["init", str(config.parent), "--upgrade"])
    assert done.exit_code == 0, done.output
    assert counts(database) == before
    again = world.restarted()
    assert again.hub.settings.public_url == URL
    assert "Needs your attention" in sign_in(again, CLEVELAND, "dpo").get("/").text


def test_a_hub_without_the_pages_key_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "credential").write_text("0" * 64)
    (tmp_path / "credential").chmod(0o600)
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "roots").mkdir(mode=0o700)
    roots = CredentialFileRoots(tmp_path / "roots", tmp_path / "credential")
    SealedFileKeystore.initialise(tmp_path / "keys", roots)
    keyring = Keyring(SealedFileKeystore(tmp_path / "keys", roots))
    with pytest.raises(Misconfigured, match="init --upgrade"):
        _ = keyring.web
    make_keys(keyring.store)
    first = keyring.web
    make_keys(keyring.store)
    assert keyring.web == first
    assert len(first) >= 32
