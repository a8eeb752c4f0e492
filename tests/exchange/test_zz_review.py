"""x"""
from pathlib import Path
import pytest
from sqlalchemy import select
from exchange.db import reading, writing
from exchange.submissions import erasure, holds
from exchange.submissions.tables import SubmissionState
from tests.exchange.asking import ask, everything_readable, parts, pseudonym, rekeyed, entries
from tests.exchange.restoring import Two, held_world, month, of, put_over, refused, replayed, rows_of, saved, two, whats, dispose
from tests.exchange.standing import CLEVELAND, World, crimes, problem
__all__ = ["held_world", "two"]

def test_a(two: Two, tmp_path: Path) -> None:
    world, first, second = two
    copy = saved(world, tmp_path / "backup")
    kept = [((copy / "objects").rglob("*"))]
    gone = pseudonym(1)
    ask(world, "erasure", [gone])
    ask(world, "restriction", [pseudonym(2)])
    hidden = rekeyed(world, [gone, pseudonym(2)])
    settings = put_over(world, copy)
    refused(world, settings, "log has")
    done = replayed(world, settings)
    print(done)
    again = world.restarted()
    for one in (first, second):
        print(again.row(one).state, again.row(one).never_again)
    old = [(path.read_bytes(), part.wrapped_key, part.aad) for path in (copy/"objects").rglob("*.parquet") for one in (first, second) for part in again.row(one).held]
    assert not hidden & everything_readable(again, old)
    problem(again.open(again.prepare(**of(4,3))), 409, "rows-erased")

def test_disposed_too(two: Two, tmp_path: Path) -> None:
    world, first, second = two
    copy = saved(world, tmp_path / "backup")
    ask(world, "erasure", [pseudonym(1)])
    dispose(world, first)
    settings = put_over(world, copy)
    done = replayed(world, settings)
    print(done)
    again = world.restarted()
    print(again.row(first).state, again.row(first).never_again)
    problem(again.open(again.prepare(**of(4,3))), 409, "rows-erased")
