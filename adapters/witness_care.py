"""Witnesses at court, from the Witness Care Units (who was required) and from the Witness Service (who was asked)."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.csv_extract import CsvSource
from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

_ATTENDANCE = Codes(
    {"ATTENDED": "ATTENDED", "ATT": "ATTENDED", "ABSENT": "ABSENT", "DNA": "ABSENT", "DID NOT ATTEND": "ABSENT"}
    | {"DEWARNED": "DEWARNED", "DE-WARNED": "DEWARNED", "DW": "DEWARNED"},
    {"EXCUSED": "DEWARNED"},
)
_USED = Codes(
    {"NONE": "NONE", "NOT REQUIRED": "NONE", "USED": "USED", "GRANTED AND USED": "USED"}
    | {"NOT_USED": "NOT_USED", "NOT USED": "NOT_USED", "REFUSED": "NOT_USED"}
)
_AGAIN = Codes({"YES": "YES", "Y": "YES", "NO": "NO", "N": "NO"})


class WitnessCare(CsvSource):
    """One row a witness required at court on a day (a witness called on three days has three rows); or a witness who was asked.

    Traps of the system: a witness warned for a trial that was vacated was de-warned, not absent; the Witness Service exports only whom it
    asked, with the day and the answer, and neither attendance nor measures; a witness without a date of birth is common. Headers are ours.
    """

    name = "witness_care"
    system = "Witness Management System; Witness Service records"
    grain = "witness required on a day, or witness asked"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "URN": Column("case_urn", FieldType.TEXT, identifier="urn"),
        "Witness Surname": Column("surname", FieldType.TEXT),
        "Witness Forename": Column("forename", FieldType.TEXT),
        "Witness DOB": Column("date_of_birth", FieldType.DATE),
        "Witness Postcode": Column("postcode", FieldType.TEXT),
        "Is Victim": Column("is_victim", FieldType.TEXT, codes=YES_NO),
        "Required On": Column("required_date", FieldType.DATE),
        "Attendance": Column("attendance", FieldType.TEXT, codes=_ATTENDANCE),
        "Special Measures": Column("special_measures", FieldType.TEXT, codes=_USED),
        "Video Link": Column("video_link", FieldType.TEXT, codes=_USED),
        "Asked On": Column("answered_date", FieldType.DATE),
        "Would Attend Again": Column("would_attend_again", FieldType.TEXT, codes=_AGAIN),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
