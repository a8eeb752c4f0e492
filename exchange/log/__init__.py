"""The log: a Merkle tree (RFC 9162) over salted entries, in the same database and transaction as what it records."""
