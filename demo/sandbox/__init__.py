"""``dev.py sandbox``: a hub of invented partners on this machine, with everything that a client needs to be tried against it."""
