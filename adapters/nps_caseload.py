"""Orders and licences held by the National Probation Service on a day, from nDelius."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import ETHNICITY, SEX
from adapters.csv_extract import CsvSource
from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

# Tiers were numbers before they were letters; 4 was the highest.
_TIER = Codes({tier: tier for tier in ("A", "B", "C", "D")}, {"4": "A", "3": "B", "2": "C", "1": "D"})
_EVENT = Codes(
    {code: code for code in ("COMMUNITY", "SUSPENDED", "LICENCE", "SUPERVISION")}
    | {"CO": "COMMUNITY", "COMMUNITY ORDER": "COMMUNITY", "YRO": "COMMUNITY", "SSO": "SUSPENDED", "SUSPENDED SENTENCE ORDER": "SUSPENDED"}
    | {"LIC": "LICENCE", "PSS": "SUPERVISION", "POST SENTENCE SUPERVISION": "SUPERVISION"}
)


class NpsCaseload(CsvSource):
    """One row an order or licence in force on the day of the snapshot: a person under two orders has two rows.

    Traps of the system: a need is blank where no OASys assessment is complete, which is not “no”; a person transferred on the day stands
    in both services' extracts; an order that ran out may stay open until the officer ends it, so its end can lie before the snapshot.
    The headers are ours.
    """

    name = "nps_caseload"
    system = "nDelius, current caseload"
    grain = "order or licence in force on the day"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "CRN": Column("crn", FieldType.TEXT, identifier="crn"),
        "PNC": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "NOMIS No": Column("noms_number", FieldType.TEXT, identifier="noms"),
        "Family Name": Column("surname", FieldType.TEXT),
        "First Name": Column("forename", FieldType.TEXT),
        "Date Of Birth": Column("date_of_birth", FieldType.DATE),
        "Main Address Postcode": Column("postcode", FieldType.TEXT),
        "Gender": Column("sex", FieldType.TEXT, codes=SEX),
        "Ethnicity": Column("ethnicity", FieldType.TEXT, codes=ETHNICITY),
        "Snapshot Date": Column("snapshot_date", FieldType.DATE),
        "Event Type": Column("order_type", FieldType.TEXT, codes=_EVENT),
        "Start Date": Column("start_date", FieldType.DATE),
        "Expected End Date": Column("end_date", FieldType.DATE),
        "Tier": Column("risk_tier", FieldType.TEXT, codes=_TIER),
        "OASys Completed": Column("assessment_date", FieldType.DATE),
        "Need Accommodation": Column("need_accommodation", FieldType.TEXT, codes=YES_NO),
        "Need ETE": Column("need_employment", FieldType.TEXT, codes=YES_NO),
        "Need Relationships": Column("need_relationships", FieldType.TEXT, codes=YES_NO),
        "Need Lifestyle": Column("need_lifestyle", FieldType.TEXT, codes=YES_NO),
        "Need Drugs": Column("need_drugs", FieldType.TEXT, codes=YES_NO),
        "Need Alcohol": Column("need_alcohol", FieldType.TEXT, codes=YES_NO),
        "Need Thinking": Column("need_thinking", FieldType.TEXT, codes=YES_NO),
        "Need Attitudes": Column("need_attitudes", FieldType.TEXT, codes=YES_NO),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
