"""Cases of the Victim Care and Advice Service, with scores of need when they were opened and closed."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.csv_extract import CsvSource
from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

# The form of 2016 asked in three steps, of which the outer ones are agreement and disagreement.
_ANSWER = Codes(
    {
        "STRONGLY_AGREE": "STRONGLY_AGREE",
        "STRONGLY AGREE": "STRONGLY_AGREE",
        "AGREE": "AGREE",
        "NEITHER": "NEITHER",
        "NEITHER AGREE NOR DISAGREE": "NEITHER",
        "DISAGREE": "DISAGREE",
        "STRONGLY_DISAGREE": "STRONGLY_DISAGREE",
        "STRONGLY DISAGREE": "STRONGLY_DISAGREE",
    },
    {"SATISFIED": "AGREE", "DISSATISFIED": "DISAGREE"},
)


class VcasCases(CsvSource):
    """One row a case with an opening needs assessment: a victim with two cases has two rows, so assessments are counted and not people.

    Traps of the system: scores go from 1 to 10 and a need nobody asked about is blank; a closing score without an opening one happens,
    and is no pair; an open case has neither closing scores nor an answer about the support. The headers are ours.
    """

    name = "vcas_cases"
    system = "VCAS case system, needs assessments"
    grain = "case with an opening needs assessment"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "Case No": Column("case_number", FieldType.TEXT),
        "Crime No": Column("crime_reference", FieldType.TEXT, identifier="crime_reference"),
        "Surname": Column("surname", FieldType.TEXT),
        "First name": Column("forename", FieldType.TEXT),
        "Date of birth": Column("date_of_birth", FieldType.DATE),
        "Postcode": Column("postcode", FieldType.TEXT),
        "Assessed on": Column("assessed_date", FieldType.DATE),
        "Case closed": Column("closed", FieldType.TEXT, codes=YES_NO),
        "Closed on": Column("closed_date", FieldType.DATE),
        "Opening - Health": Column("opening_health", FieldType.INTEGER),
        "Closing - Health": Column("closing_health", FieldType.INTEGER),
        "Opening - Safety": Column("opening_safety", FieldType.INTEGER),
        "Closing - Safety": Column("closing_safety", FieldType.INTEGER),
        "Opening - Family": Column("opening_family", FieldType.INTEGER),
        "Closing - Family": Column("closing_family", FieldType.INTEGER),
        "Opening - Work": Column("opening_work", FieldType.INTEGER),
        "Closing - Work": Column("closing_work", FieldType.INTEGER),
        "Opening - Drugs & Alcohol": Column("opening_substances", FieldType.INTEGER),
        "Closing - Drugs & Alcohol": Column("closing_substances", FieldType.INTEGER),
        "Opening - Money": Column("opening_money", FieldType.INTEGER),
        "Closing - Money": Column("closing_money", FieldType.INTEGER),
        "Opening - Outlook": Column("opening_outlook", FieldType.INTEGER),
        "Closing - Outlook": Column("closing_outlook", FieldType.INTEGER),
        "Opening - Social": Column("opening_social", FieldType.INTEGER),
        "Closing - Social": Column("closing_social", FieldType.INTEGER),
        "Overall satisfied": Column("support_satisfaction", FieldType.TEXT, codes=_ANSWER),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
