"""Cases of people managed together by local authorities and partners, exported from ECINS."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import SEX
from adapters.derived import Derived
from adapters.json_extract import JsonSource
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

_HOME = Codes(
    {"SETTLED": "SETTLED", "OWN_TENANCY": "SETTLED", "FAMILY": "SETTLED", "TEMPORARY": "TEMPORARY", "SUPPORTED": "TEMPORARY"}
    | {"NONE": "NONE", "NFA": "NONE", "NOT_KNOWN": "NOT_KNOWN"},
    {"COUNCIL": "SETTLED", "BNB": "TEMPORARY"},
)
_WORK = Codes(
    {"EMPLOYED": "EMPLOYED", "TRAINING": "TRAINING", "APPRENTICESHIP": "TRAINING", "NONE": "NONE", "UNEMPLOYED": "NONE"}
    | {"NOT_KNOWN": "NOT_KNOWN"}
)


class EcinsCases(JsonSource):
    """One row a person's case on the day of the export: a person who came back to the cohort has a case for each time.

    Traps of the system: cases are opened by many partners, so a person may have two at once, with the name spelt in two ways; keys without
    a value are left out of a case; a cohort date in the future is a plan. The keys are ours.
    """

    name = "ecins_cases"
    system = "ECINS"
    grain = "person's case on the day"
    format = "JSON, a list of cases"
    rows = "cases"
    columns: ClassVar[Mapping[str, Column]] = {
        "caseId": Column("case_number", FieldType.TEXT),
        "exportDate": Column("snapshot_date", FieldType.DATE),
        "person.surname": Column("surname", FieldType.TEXT),
        "person.forename": Column("forename", FieldType.TEXT),
        "person.dateOfBirth": Column("date_of_birth", FieldType.DATE),
        "person.gender": Column("sex", FieldType.TEXT, codes=SEX),
        "person.postcode": Column("postcode", FieldType.TEXT),
        "person.pncId": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "iom.startDate": Column("iom_start_date", FieldType.DATE),
        "iom.endDate": Column("iom_end_date", FieldType.DATE),
        "accommodation": Column("accommodation", FieldType.TEXT, codes=_HOME),
        "employment": Column("employment", FieldType.TEXT, codes=_WORK),
        "troubledFamilies": Column("troubled_families", FieldType.TEXT, codes=YES_NO),
    }
    sparse: ClassVar[frozenset[str]] = frozenset(
        {
            "person.gender",
            "person.postcode",
            "person.pncId",
            "iom.startDate",
            "iom.endDate",
            "accommodation",
            "employment",
            "troubledFamilies",
        }
    )
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
