"""Recorded crimes as data.police.uk publishes them: the street CSV of one force and month."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.csv_extract import CsvSource
from adapters.source import Column
from agreements.fields import FieldType


class PoliceCrimes(CsvSource):
    """One row a crime. Anti-social behaviour has no id; the last outcome is what the force knew when the file was made."""

    name = "police_crimes"
    system = "data.police.uk, street-level crime"
    grain = "recorded crime"
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
        "Crime type": Column("crime_type", FieldType.TEXT),
        "Last outcome category": Column("last_outcome", FieldType.TEXT),
        "Context": Column("context", FieldType.TEXT),
    }
