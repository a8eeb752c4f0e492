"""Referrals to NHS liaison and diversion, and to drug and alcohol services."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import SEX
from adapters.csv_extract import CsvSource
from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

_NEED = Codes(
    {code: code for code in ("MENTAL_HEALTH", "LEARNING_DISABILITY", "SUBSTANCES", "DRUGS", "ALCOHOL", "SOCIAL", "OTHER")}
    | {"MH": "MENTAL_HEALTH", "MENTAL HEALTH": "MENTAL_HEALTH", "LD": "LEARNING_DISABILITY", "LEARNING DISABILITY": "LEARNING_DISABILITY"}
    | {"SM": "SUBSTANCES"},
    {"PD": "MENTAL_HEALTH"},
)


class LiaisonDiversion(CsvSource):
    """One row a referral: a person referred twice has two rows, and a person sent to both services has one with each.

    Traps of the system: a person seen in a police cell may give no NHS number or another's; “engaged” is no until the first visit, so a
    referral of the last days of a month is corrected in the next extract. The headers are ours.
    """

    name = "liaison_diversion"
    system = "NHS trust's patient records; treatment services' case system"
    grain = "referral"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "NHS Number": Column("nhs_number", FieldType.TEXT, identifier="nhs"),
        "Surname": Column("surname", FieldType.TEXT),
        "Forename": Column("forename", FieldType.TEXT),
        "Date of Birth": Column("date_of_birth", FieldType.DATE),
        "Postcode": Column("postcode", FieldType.TEXT),
        "Gender": Column("sex", FieldType.TEXT, codes=SEX),
        "Referral Date": Column("referral_date", FieldType.DATE),
        "Primary Need": Column("need", FieldType.TEXT, codes=_NEED),
        "Engaged": Column("engaged", FieldType.TEXT, codes=YES_NO),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
