"""The partnerships of the functional tests."""

from tests.functional.conftest import keys_made, prepared, world

__all__ = ["keys_made", "prepared", "world"]
