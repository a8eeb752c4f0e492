"""An edition of a hub on Spark: its workers open the hub's own parts by reference, and what comes out is byte for byte what DuckDB made."""

from dataclasses import replace
from pathlib import Path

import pytest

from exchange.db import reading
from exchange.errors import Gone
from exchange.releases.engine import Engine
from exchange.releases.errors import BadRelation, EngineError
from exchange.releases.reproducing import reproduce
from exchange.submissions import holdings
from tests.exchange.releases.drafted import ask
from tests.exchange.standing import REFERENCE, SUPPLIERS, World, crimes
from tests.spark.conftest import Shared


def test_an_edition_is_the_same_and_rows_whose_key_is_destroyed_are_read_by_nobody(tmp_path: Path, spark: Shared) -> None:
    world = World.build(tmp_path / "hub")
    for number, supplier in enumerate(SUPPLIERS, 1):
        outcomes = ["Charged", "Unable to prosecute", "No suspect identified", None] * 30
        world.hold([crimes(120, seed=number, last_outcome=outcomes)], supplier=supplier)
    identity, hub = ask(world), world.hub
    means = replace(spark, settings=hub.settings)
    assert reproduce(hub.engine, hub.keyring, hub.places.held, identity, world.clock, means).same
    dataset = world.agreement.dataset("crimes")
    assert dataset is not None
    with reading(hub.engine) as session:
        batches = holdings.live(session, REFERENCE, "crimes")
        rows = holdings.referred(session, hub.keyring, hub.places.held, batches, world.agreement, dataset)
    with means.open() as engine:
        assert engine.run(engine.register(rows)).num_rows == 240
        with Engine() as other, pytest.raises(BadRelation, match="for Spark"):
            other.register(rows)
        hub.keyring.store.destroy(rows.parts[0].key)
        with pytest.raises(EngineError):
            engine.run(engine.register(rows))
    with reading(hub.engine) as session, pytest.raises(Gone):
        holdings.referred(session, hub.keyring, hub.places.held, batches, world.agreement, dataset)
    world.close()
