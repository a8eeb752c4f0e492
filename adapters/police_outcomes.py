"""Outcomes of crimes as data.police.uk publishes them: the outcomes CSV of one force and month."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.csv_extract import CsvSource
from adapters.source import Column
from agreements.fields import FieldType


class PoliceOutcomes(CsvSource):
    """One row an outcome. A crime may have several, of this month or of others, and rows may repeat exactly: all are kept."""

    name = "police_outcomes"
    system = "data.police.uk, outcomes"
    grain = "outcome of a crime"
    format = "CSV, UTF-8, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "Crime ID": Column("crime_id", FieldType.TEXT),
        "Month": Column("month", FieldType.MONTH),
        "Reported by": Column("reported_by", FieldType.TEXT),
        "Falls within": Column("falls_within", FieldType.TEXT),
        "Longitude": Column("longitude", FieldType.TEXT),
        "Latitude": Column("latitude", FieldType.TEXT),
        "Location": Column("location", FieldType.TEXT),
        "LSOA code": Column("lsoa_code", FieldType.TEXT),
        "LSOA name": Column("lsoa_name", FieldType.TEXT),
        "Outcome type": Column("outcome_type", FieldType.TEXT),
    }
