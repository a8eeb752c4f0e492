"""The partnerships of the functional tests."""

from tests.closing import closed
from tests.functional.conftest import beginner, engine, keys_made, prepared, preparer, world
from tests.postgres import postgres
from tests.s3 import s3_service

__all__ = ["beginner", "closed", "engine", "keys_made", "postgres", "prepared", "preparer", "s3_service", "world"]
