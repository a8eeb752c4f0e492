"""Disclosure control with proof: hides cells of additive tables so that no primary cell can be worked out too closely.

Pure and usable alone. `protect` proves its result with a certificate that `check_certificate` verifies without a solver;
`exchange.disclosure.attack` is an independent intruder that shares nothing but the file format.
"""

from exchange.disclosure.certificate import check_certificate
from exchange.disclosure.errors import BadCertificate, BadTables, DisclosureError, Unprotectable
from exchange.disclosure.protect import protect
from exchange.disclosure.result import Protected
from exchange.disclosure.spec import Files, Need
from exchange.disclosure.table import TableSet, read_table_set

__all__ = [
    "BadCertificate",
    "BadTables",
    "DisclosureError",
    "Files",
    "Need",
    "Protected",
    "TableSet",
    "Unprotectable",
    "check_certificate",
    "protect",
    "read_table_set",
]
