"""``dev.py demo --scenario partnership``: every source of the partnership, on an invented population, under the three example agreements."""
