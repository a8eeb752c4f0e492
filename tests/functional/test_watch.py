"""The agency as watcher of what the real hub's log says in its name."""

import shutil
from pathlib import Path

from demo.cast import AGENCIES
from exchange.db import writing
from exchange.register import partners
from keys.encoding import b64
from keys.formats import Card
from keys.sign import SigningKey
from tests.functional.raw import small
from tests.functional.world import CLEVELAND, World, agency, serving

assert AGENCIES[0].party == CLEVELAND


def test_our_own_doings_are_known_and_anothers_in_our_name_are_not(world: World, tmp_path: Path) -> None:
    home, stolen = world.home(CLEVELAND), tmp_path / "stolen"
    extract, other = (small(tmp_path, CLEVELAND, "crimes", month, rows=20) for month in ("2021-06", "2021-07"))
    with serving(world):
        assert agency("push", "crimes", extract.path, "--period", "2021-06", "--home", home).code == 0
        seen = agency("watch", "--home", home)
        assert (seen.code, "in our name" in seen.out) == (0, False), seen

        shutil.copytree(home, stolen)  # somebody has the keys, and pushes with them
        assert agency("push", "crimes", other.path, "--period", "2021-07", "--home", stolen).code == 0
        alarmed = agency("watch", "--home", home)
        assert alarmed.code == 10
        assert "in our name: submission opened" in alarmed.err
        assert agency("push", "crimes", extract.path, "--period", "2021-06", "--home", home).code == 10

    with writing(world.hub().engine) as session:
        card = Card("ed25519", CLEVELAND, "manifest", b64(SigningKey.generate().public.raw))
        partners.register(session, card, world.hub().clock())
    with serving(world):
        assert card.fingerprint in agency("watch", "--home", home).out
