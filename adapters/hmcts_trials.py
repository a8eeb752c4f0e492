"""Trial listings of the magistrates' courts (Libra) and of the Crown Court (XHIBIT)."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import COURT_CODE, YES_NO, Codes
from adapters.source import Column
from adapters.xml_extract import XmlSource
from agreements.fields import FieldType

_COURTS = ("B11EI", "B11JP", "B11KF", "B17JA", "C11DU", "C17TE")
# The courts of the two areas, with and without the noughts of a court that has no rooms of its own. Others are delivered as written.
_COURT = Codes({code: code for code in _COURTS} | {f"{code}00": code for code in _COURTS}, form=COURT_CODE)
_SYSTEM = Codes({"LIBRA": "LIBRA", "XHIBIT": "XHIBIT"}, strict=True)
_OUTCOME = Codes(
    {"E": "E", "EFFECTIVE": "E", "C": "C", "CRACKED": "C", "I": "I", "INEFFECTIVE": "I", "V": "V", "VACATED": "V"},
)
_CRACKED = "ABCDEFGHIJKL"
_INEFFECTIVE = (
    *(f"{letter}{number}" for letter, most in zip("MNOQSUW", (3, 3, 2, 3, 4, 2, 5), strict=True) for number in range(1, most + 1)),
    *"PRTVXYZ",
)
_REASON = Codes({code: code for code in (*_CRACKED, *_INEFFECTIVE)})


class HmctsTrials(XmlSource):
    """One row a defendant in a case that was listed for trial on a day: co-defendants have a row each, and so has each further day.

    Traps of the systems: a trial relisted has a row for each listing, the vacated one included; the further days of a trial that has begun
    carry no outcome; only cracked and ineffective trials have a reason, by the court's code A to Z. Both systems are exported under one
    schema, and a listing says which it is from. The paths are ours.
    """

    name = "hmcts_trials"
    system = "Libra (magistrates' courts) and XHIBIT (Crown Court)"
    grain = "defendant in a case listed for trial on a day"
    format = "XML, one element Listing a row"
    root = "TrialListings"
    row = "Listing"
    columns: ClassVar[Mapping[str, Column]] = {
        "@system": Column("system", FieldType.TEXT, codes=_SYSTEM),
        "CaseURN": Column("case_urn", FieldType.TEXT, identifier="urn"),
        "Court/OUCode": Column("court_code", FieldType.TEXT, codes=_COURT),
        "Court/Room": Column("court_room", FieldType.TEXT),
        "ListedDate": Column("listed_date", FieldType.DATE),
        "Defendant/@asn": Column("asn", FieldType.TEXT, identifier="asn"),
        "Defendant/Surname": Column("surname", FieldType.TEXT),
        "Defendant/Forename": Column("forename", FieldType.TEXT),
        "Defendant/DateOfBirth": Column("date_of_birth", FieldType.DATE),
        "Trial/Outcome": Column("trial_outcome", FieldType.TEXT, codes=_OUTCOME),
        "Trial/ReasonCode": Column("reason_code", FieldType.TEXT, codes=_REASON),
        "Trial/VideoLinkUsed": Column("video_link_used", FieldType.TEXT, codes=YES_NO),
    }
    sparse: ClassVar[frozenset[str]] = frozenset({"Court/Room", "Defendant/@asn", "Trial/Outcome", "Trial/ReasonCode"})
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth")
