"""Interventions of the youth offending services, from systems of the AssetPlus family."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import ETHNICITY, SEX
from adapters.derived import Age, Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from adapters.xml_extract import XmlSource
from agreements.fields import FieldType

# Reprimands and final warnings of young people became youth cautions in April 2013, and the orders before 2009 the rehabilitation order.
_TYPE = Codes(
    {
        "COURT_ORDER": "COURT_ORDER",
        "YRO": "COURT_ORDER",
        "RO": "COURT_ORDER",
        "REFERRAL ORDER": "COURT_ORDER",
        "CUSTODY_LICENCE": "CUSTODY_LICENCE",
        "DTO": "CUSTODY_LICENCE",
        "YOUTH_CAUTION": "YOUTH_CAUTION",
        "YC": "YOUTH_CAUTION",
        "YOUTH_CONDITIONAL_CAUTION": "YOUTH_CONDITIONAL_CAUTION",
        "YCC": "YOUTH_CONDITIONAL_CAUTION",
        "TRIAGE": "TRIAGE",
        "PREVENTION": "PREVENTION",
        "OTHER": "OTHER",
    },
    {"REPRIMAND": "YOUTH_CAUTION", "FINAL_WARNING": "YOUTH_CAUTION", "SUPERVISION_ORDER": "COURT_ORDER"},
)
_LEVEL = Codes({level: level for level in ("LOW", "MEDIUM", "HIGH", "VERY_HIGH")} | {"VERY HIGH": "VERY_HIGH"})
_LSOA = Codes(form=r"[EW]01[0-9]{6}")


class YosInterventions(XmlSource):
    """One row an intervention: a young person with an order and a prevention programme has two rows.

    Traps of the systems: each service runs its own, so a young person who moved has two ids; many have no PNC id; “first-time entrant” is
    said of a caution or conviction and is no beside triage and prevention. The paths are ours.
    """

    name = "yos_interventions"
    system = "Youth offending services' case systems (AssetPlus family)"
    grain = "intervention"
    format = "XML, one element Intervention a row"
    root = "YouthJusticeExtract"
    row = "Intervention"
    columns: ClassVar[Mapping[str, Column]] = {
        "YoungPerson/@yotId": Column("yot_id", FieldType.TEXT),
        "YoungPerson/PNCID": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "YoungPerson/FamilyName": Column("surname", FieldType.TEXT),
        "YoungPerson/GivenName": Column("forename", FieldType.TEXT),
        "YoungPerson/DateOfBirth": Column("date_of_birth", FieldType.DATE),
        "YoungPerson/Gender": Column("sex", FieldType.TEXT, codes=SEX),
        "YoungPerson/Ethnicity": Column("ethnicity", FieldType.TEXT, codes=ETHNICITY),
        "YoungPerson/Address/Postcode": Column("postcode", FieldType.TEXT),
        "YoungPerson/Address/LSOA": Column("lsoa_code", FieldType.TEXT, codes=_LSOA),
        "Type": Column("intervention_type", FieldType.TEXT, codes=_TYPE),
        "StartDate": Column("start_date", FieldType.DATE),
        "EndDate": Column("end_date", FieldType.DATE),
        "FirstTimeEntrant": Column("first_time_entrant", FieldType.TEXT, codes=YES_NO),
        "SafetyAndWellbeing": Column("vulnerability", FieldType.TEXT, codes=_LEVEL),
    }
    sparse: ClassVar[frozenset[str]] = frozenset(
        {"YoungPerson/PNCID", "YoungPerson/Address/Postcode", "YoungPerson/Address/LSOA", "EndDate", "SafetyAndWellbeing"}
    )
    derived: ClassVar[Mapping[str, Derived]] = {
        **match_keys("surname", "forename", "date_of_birth", postcode="postcode"),
        "age": Age("date_of_birth", "start_date"),
    }
