"""What several tests of watching need."""

from tests.exchange.test_full_disks import small_disk

__all__ = ["small_disk"]
