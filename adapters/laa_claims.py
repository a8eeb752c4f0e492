"""Legal aid claims paid in criminal cases, from the Legal Aid Agency."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.csv_extract import CsvSource
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

# Very high cost cases have contracts of their own; fees of the graduated schemes replaced the ex post facto ones (EPF).
_STAGE = Codes(
    {
        "MAGISTRATES": "MAGISTRATES",
        "CRM7": "MAGISTRATES",
        "LGFS": "LGFS",
        "AGFS": "AGFS",
        "VHCC": "VHCC",
        "POLICE_STATION": "POLICE_STATION",
    },
    {"EPF": "LGFS"},
)


class LaaClaims(CsvSource):
    """One row a claim paid: a case has as many as it had stages and representatives, and a corrected claim has a second row.

    Traps of the system: the case's reference is typed by the provider and often lacks; a correction may be a negative amount; amounts
    are whole pounds, pence cut off by the export. The headers are ours.
    """

    name = "laa_claims"
    system = "CCMS and Crown Court remuneration, claims paid"
    grain = "claim paid"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "Case URN": Column("case_urn", FieldType.TEXT, identifier="urn"),
        "Claim Ref": Column("claim_reference", FieldType.TEXT),
        "Date Paid": Column("paid_date", FieldType.DATE),
        "Amount Paid": Column("amount", FieldType.INTEGER),
        "Fee Scheme": Column("stage", FieldType.TEXT, codes=_STAGE),
        "Trial": Column("went_to_trial", FieldType.TEXT, codes=YES_NO),
    }
