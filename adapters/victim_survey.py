"""Answers of the police's survey of victims."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.native_codes import YES_NO, Codes
from adapters.sheet_extract import SheetSource
from adapters.source import Column
from agreements.fields import FieldType

_GROUPS = ("Burglary", "Vehicle crime", "Violent crime", "Hate crime", "Domestic abuse", "Anti-social behaviour")
# Racist incidents were surveyed as a group of their own until hate crime of every kind was.
_GROUP = Codes({group.upper(): group for group in _GROUPS}, {"RACIST INCIDENTS": "Hate crime"})
_STEPS = ("COMPLETELY", "VERY", "FAIRLY", "NEITHER", "FAIRLY_DIS", "VERY_DIS", "COMPLETELY_DIS")
_ANSWER = Codes(
    {step: step for step in (*_STEPS, "DONT_KNOW")}
    | {str(number): step for number, step in enumerate(_STEPS, 1)}
    | {
        "COMPLETELY SATISFIED": "COMPLETELY",
        "VERY SATISFIED": "VERY",
        "FAIRLY SATISFIED": "FAIRLY",
        "NEITHER SATISFIED NOR DISSATISFIED": "NEITHER",
        "FAIRLY DISSATISFIED": "FAIRLY_DIS",
        "VERY DISSATISFIED": "VERY_DIS",
        "COMPLETELY DISSATISFIED": "COMPLETELY_DIS",
        "DON'T KNOW": "DONT_KNOW",
        "DON\u2019T KNOW": "DONT_KNOW",
        "8": "DONT_KNOW",
    }
)


class VictimSurvey(SheetSource):
    """One row a victim who was asked, whether they answered or not: who did not has no answer, and is counted in the response rate.

    Traps of the system: answers are written as words by one interviewer and as numbers 1 to 7 by another (8 does not know); what the
    survey's own rules leave out is marked, not deleted; titles stand above the header; the comment is free text. The headers are ours.
    """

    name = "victim_survey"
    system = "Victim satisfaction survey, telephone interviews"
    grain = "victim who was asked"
    format = "XLSX, first sheet, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "Respondent": Column("respondent", FieldType.TEXT),
        "Crime Reference": Column("crime_reference", FieldType.TEXT, identifier="crime_reference"),
        "Interview Date": Column("survey_date", FieldType.DATE),
        "Crime Group": Column("crime_group", FieldType.TEXT, codes=_GROUP),
        "Q20 Whole Experience": Column("satisfaction", FieldType.TEXT, codes=_ANSWER),
        "Excluded": Column("excluded", FieldType.TEXT, codes=YES_NO),
        "Exclusion Reason": Column("exclusion_reason", FieldType.TEXT),
        "Comment": Column("comment", FieldType.TEXT),
    }
