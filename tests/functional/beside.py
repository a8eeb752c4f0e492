"""A partnership's hub with what it has on servers, in a test that is about neither: set up by its settings, copied with what is there."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from exchange.settings import read_settings
from tests.postgres import Postgres
from tests.s3 import Service

SHARED = ("objects", "staging", "leaves")


@dataclass(frozen=True)
class Beside:
    """Servers that hold a hub's database, objects, sealed parts and second store; its keystore stays in its folder, under a credential."""

    postgres: Postgres
    s3: Service

    def options(self, folder: Path) -> list[str]:
        """Further options of ``exchange init``, with a file of settings in a folder."""
        said = {name: self.s3.place(name) for name in SHARED} | self.s3.settings | {"home": "."}
        folder.mkdir(parents=True, exist_ok=True)
        further = folder / "further.toml"
        further.write_text("".join(f'{name} = "{value}"\n' for name, value in said.items()), encoding="utf-8")
        return ["--database-url", self.postgres.create(), "--settings", str(further)]

    def copied(self, config: Path) -> str:
        """The words of a settings file, of a hub that has what this one has in places of its own."""
        settings, words = read_settings(config), config.read_text(encoding="utf-8")
        words = words.replace(settings.database_url, self.postgres.create(like=settings.database_url))
        for name in SHARED:
            place, other = getattr(settings, name), self.s3.place(name)
            self.s3.copy(place, other)
            words = words.replace(str(place), str(other))
        return words

    def brought(self, config: Path, folder: Path) -> None:
        """What its hub has there, as files of a folder: each table as PostgreSQL writes it out, each object under its name."""
        settings = read_settings(config)
        (folder / "rows").mkdir(parents=True)
        with psycopg.connect(make_url(settings.database_url).set(drivername="postgresql").render_as_string()) as database:
            tables = [str(name) for (name,) in database.execute("SELECT relname FROM pg_stat_user_tables")]
            for table in tables:
                with database.cursor().copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as copied:
                    (folder / "rows" / table).write_bytes(b"".join(copied))
        for name in SHARED:
            space = self.s3.space(getattr(settings, name))
            for one in space.names(""):
                path = folder / name / one
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes((space.read(one) or (b"",))[0])
