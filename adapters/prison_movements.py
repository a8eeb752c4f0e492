"""Receptions and releases of a month, and people held at its end, from p-NOMIS."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import ETHNICITY, SEX
from adapters.derived import Derived
from adapters.fixed_width import FixedWidthSource, Layout
from adapters.match_keys import match_keys
from adapters.native_codes import Codes
from adapters.source import Column
from agreements.fields import FieldType

_PRISON = Codes(form=r"[A-Z]{3}")
_MOVEMENT = Codes({"R": "R", "ADM": "R", "D": "D", "REL": "D"})
_BAND = Codes(
    {
        "REMAND": "REMAND",
        "UNDER_12M": "UNDER_12M",
        "12M_TO_4Y": "12M_TO_4Y",
        "4Y_AND_OVER": "4Y_AND_OVER",
        "INDETERMINATE": "INDETERMINATE",
        "LIFE": "INDETERMINATE",
        "IPP": "INDETERMINATE",
    },
    {"LT_12M": "UNDER_12M", "12M_TO_LT4Y": "12M_TO_4Y"},
)
_HOME = Codes({"SETTLED": "SETTLED", "TEMPORARY": "TEMPORARY", "HOSTEL": "HOSTEL", "AP": "HOSTEL", "NONE": "NONE", "NFA": "NONE"})
_WORK = Codes({"EMPLOYED": "EMPLOYED", "TRAINING": "TRAINING", "NONE": "NONE", "UNEMPLOYED": "NONE"})


class PrisonMovements(FixedWidthSource):
    """One row a reception or release (record MOV); or, in the month-end snapshot, a person held on the day (record POP).

    Traps of the system: transfers between prisons and visits to court are movements too, and are left out of this export; accommodation and
    employment are asked on release alone, and are blank where nobody asked; the sentence band of a reception is that of the day, so a
    person on remand may leave as sentenced. Each file holds one kind of record. The positions and headers are ours.
    """

    name = "prison_movements"
    system = "p-NOMIS"
    grain = "reception or release; or person held on the day"
    format = "fixed width, ISO 8859-1, with header and trailer record"
    layouts: ClassVar[Mapping[str, Layout]] = {
        "MOV": Layout(
            width=165,
            at={
                "NOMS_ID": (4, 7),
                "PNC_ID": (11, 13),
                "CRO_NO": (24, 12),
                "SURNAME": (36, 30),
                "FORENAME": (66, 20),
                "DOB": (86, 11),
                "SEX": (97, 1),
                "ETHNICITY": (98, 5),
                "ESTAB": (103, 3),
                "MOVE_TYPE": (106, 3),
                "MOVE_DATE": (109, 19),
                "SENT_BAND": (128, 14),
                "ACCOM_ON_REL": (142, 12),
                "EMPL_ON_REL": (154, 12),
            },
        ),
        "POP": Layout(
            width=118,
            at={
                "NOMS_ID": (4, 7),
                "PNC_ID": (11, 13),
                "SURNAME": (24, 30),
                "FORENAME": (54, 20),
                "DOB": (74, 11),
                "SEX": (85, 1),
                "ETHNICITY": (86, 5),
                "ESTAB": (91, 3),
                "SNAPSHOT_DATE": (94, 11),
                "SENT_BAND": (105, 14),
            },
        ),
    }
    columns: ClassVar[Mapping[str, Column]] = {
        "NOMS_ID": Column("noms_number", FieldType.TEXT, identifier="noms"),
        "PNC_ID": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "CRO_NO": Column("cro_number", FieldType.TEXT, identifier="cro"),
        "SURNAME": Column("surname", FieldType.TEXT),
        "FORENAME": Column("forename", FieldType.TEXT),
        "DOB": Column("date_of_birth", FieldType.DATE),
        "SEX": Column("sex", FieldType.TEXT, codes=SEX),
        "ETHNICITY": Column("ethnicity", FieldType.TEXT, codes=ETHNICITY),
        "ESTAB": Column("establishment", FieldType.TEXT, codes=_PRISON),
        "MOVE_TYPE": Column("movement", FieldType.TEXT, codes=_MOVEMENT),
        "MOVE_DATE": Column("movement_date", FieldType.DATE),
        "SENT_BAND": Column("sentence_band", FieldType.TEXT, codes=_BAND),
        "ACCOM_ON_REL": Column("release_accommodation", FieldType.TEXT, codes=_HOME),
        "EMPL_ON_REL": Column("release_employment", FieldType.TEXT, codes=_WORK),
        "SNAPSHOT_DATE": Column("snapshot_date", FieldType.DATE),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth")
