"""Orders and licences held by the Community Rehabilitation Company on a day, from its own case system."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import ETHNICITY, SEX
from adapters.csv_extract import CsvSource
from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO
from adapters.source import Column
from agreements.fields import FieldType


class CrcCaseload(CsvSource):
    """One row an order or licence in force on the day of the snapshot: a person under two orders has two rows.

    Traps of the system: case reference numbers are those of nDelius, but the other identifiers were typed again by hand and often lack;
    surnames come in capitals; needs that OASys has not assessed are blank, which is not “no”. The company ended in June 2021: its
    successor joins by a new version of the agreement. The headers are ours.
    """

    name = "crc_caseload"
    system = "Durham Tees Valley CRC, case system with OASys"
    grain = "order or licence in force on the day"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "CASE_REF_NO": Column("crn", FieldType.TEXT, identifier="crn"),
        "PNC_NO": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "NOMS_NO": Column("noms_number", FieldType.TEXT, identifier="noms"),
        "SURNAME": Column("surname", FieldType.TEXT),
        "FORENAME": Column("forename", FieldType.TEXT),
        "DOB": Column("date_of_birth", FieldType.DATE),
        "POSTCODE": Column("postcode", FieldType.TEXT),
        "GENDER": Column("sex", FieldType.TEXT, codes=SEX),
        "ETHNIC_CODE": Column("ethnicity", FieldType.TEXT, codes=ETHNICITY),
        "SNAPSHOT_DATE": Column("snapshot_date", FieldType.DATE),
        "ORDER_START": Column("start_date", FieldType.DATE),
        "ORDER_END": Column("end_date", FieldType.DATE),
        "OASYS_DATE": Column("assessment_date", FieldType.DATE),
        "OASYS_ACCOMMODATION": Column("need_accommodation", FieldType.TEXT, codes=YES_NO),
        "OASYS_ETE": Column("need_employment", FieldType.TEXT, codes=YES_NO),
        "OASYS_RELATIONSHIPS": Column("need_relationships", FieldType.TEXT, codes=YES_NO),
        "OASYS_LIFESTYLE": Column("need_lifestyle", FieldType.TEXT, codes=YES_NO),
        "OASYS_DRUGS": Column("need_drugs", FieldType.TEXT, codes=YES_NO),
        "OASYS_ALCOHOL": Column("need_alcohol", FieldType.TEXT, codes=YES_NO),
        "OASYS_THINKING": Column("need_thinking", FieldType.TEXT, codes=YES_NO),
        "OASYS_ATTITUDES": Column("need_attitudes", FieldType.TEXT, codes=YES_NO),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
