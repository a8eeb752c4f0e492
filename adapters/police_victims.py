"""Victims of recorded crime, from the police records system."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import COUNTING_RULES_CODE, ETHNICITY, OUTCOME_TYPE, SEX
from adapters.csv_extract import CsvSource
from adapters.derived import Age, Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

# CORP was the type of a business until organisations of every kind became one.
_KIND = Codes(
    {"P": "P", "PERSON": "P", "INDIVIDUAL": "P", "O": "O", "ORG": "O", "ORGANISATION": "O", "BUSINESS": "O"}, {"CORP": "O", "STATE": "O"}
)


class PoliceVictims(CsvSource):
    """One row a victim of a recorded crime: a crime with three victims has three rows, and a person harmed twice has two.

    Traps of the system: an organisation has its name in the surname and neither forename nor date of birth; an outcome may be taken back,
    and is then blank again; a crime recorded in one month and reported in another carries both dates, of which this is the report.
    The headers are ours: such an export is configured by each force.
    """

    name = "police_victims"
    system = "Niche RMS, victims of crime"
    grain = "victim of a recorded crime"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "Crime Ref": Column("crime_reference", FieldType.TEXT, identifier="crime_reference"),
        "Incident Ref": Column("incident_reference", FieldType.TEXT, identifier="incident_reference"),
        "Victim Type": Column("victim_kind", FieldType.TEXT, codes=_KIND),
        "Surname": Column("surname", FieldType.TEXT),
        "Forename(s)": Column("forename", FieldType.TEXT),
        "DOB": Column("date_of_birth", FieldType.DATE),
        "Postcode": Column("postcode", FieldType.TEXT),
        "Sex": Column("sex", FieldType.TEXT, codes=SEX),
        "Ethnicity SDE": Column("ethnicity", FieldType.TEXT, codes=ETHNICITY),
        "Reported Date": Column("report_date", FieldType.DATE),
        "HO Offence Code": Column("offence_code", FieldType.TEXT, codes=COUNTING_RULES_CODE),
        "DA Marker": Column("domestic_abuse", FieldType.TEXT, codes=YES_NO),
        "Sexual Violence Marker": Column("sexual_violence", FieldType.TEXT, codes=YES_NO),
        "Hate Marker": Column("hate_crime", FieldType.TEXT, codes=YES_NO),
        "CSA Marker": Column("child_sexual_abuse", FieldType.TEXT, codes=YES_NO),
        "Mental Health Marker": Column("mental_health", FieldType.TEXT, codes=YES_NO),
        "HO Outcome": Column("outcome_type", FieldType.TEXT, codes=OUTCOME_TYPE),
        "Outcome Date": Column("outcome_date", FieldType.DATE),
    }
    derived: ClassVar[Mapping[str, Derived]] = {
        **match_keys("surname", "forename", "date_of_birth", postcode="postcode"),
        "age": Age("date_of_birth", "report_date"),
    }
