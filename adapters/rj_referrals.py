"""Offers of restorative justice to victims, from the restorative-justice hub."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.csv_extract import CsvSource
from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO
from adapters.source import Column
from agreements.fields import FieldType


class RjReferrals(CsvSource):
    """One row an offer made to a victim: a victim asked again a year later has two rows.

    Traps of the system: the crime's reference is that of the force and is copied by hand; an offer not yet answered stands as “no” until
    it is; a process that the offender broke off was accepted and not completed. The headers are ours.
    """

    name = "rj_referrals"
    system = "Restorative-justice hub's case system"
    grain = "offer made to a victim"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "Crime Reference": Column("crime_reference", FieldType.TEXT, identifier="crime_reference"),
        "Victim Surname": Column("surname", FieldType.TEXT),
        "Victim Forename": Column("forename", FieldType.TEXT),
        "Victim DOB": Column("date_of_birth", FieldType.DATE),
        "Victim Postcode": Column("postcode", FieldType.TEXT),
        "Date Offered": Column("offered_date", FieldType.DATE),
        "Accepted": Column("accepted", FieldType.TEXT, codes=YES_NO),
        "Completed": Column("completed", FieldType.TEXT, codes=YES_NO),
        "Completed On": Column("completed_date", FieldType.DATE),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
