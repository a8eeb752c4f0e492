"""Offences charged or cautioned, from the police records system."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import COUNTING_RULES_CODE, ETHNICITY, SEX
from adapters.csv_extract import CsvSource
from adapters.derived import Age, Derived
from adapters.match_keys import match_keys
from adapters.native_codes import YES_NO, Codes
from adapters.source import Column
from agreements.fields import FieldType

# Reprimands and final warnings of young people became youth cautions in April 2013.
_DISPOSAL = Codes(
    {
        "CONVICTED": "CONVICTED",
        "GUILTY": "CONVICTED",
        "CAUTION": "CAUTION",
        "CC": "CONDITIONAL_CAUTION",
        "CONDITIONAL_CAUTION": "CONDITIONAL_CAUTION",
        "YC": "YOUTH_CAUTION",
        "YOUTH_CAUTION": "YOUTH_CAUTION",
        "YCC": "CONDITIONAL_CAUTION",
        "CR": "COMMUNITY_RESOLUTION",
        "COMMUNITY_RESOLUTION": "COMMUNITY_RESOLUTION",
        "PND": "PENALTY_NOTICE",
        "PENALTY_NOTICE": "PENALTY_NOTICE",
        "DEFERRED": "DEFERRED",
        "NG": "NOT_GUILTY",
        "NOT_GUILTY": "NOT_GUILTY",
        "DISC": "DISCONTINUED",
        "DISCONTINUED": "DISCONTINUED",
        "WDN": "WITHDRAWN",
        "WITHDRAWN": "WITHDRAWN",
        "OTHER": "OTHER",
    },
    {"REPRIMAND": "YOUTH_CAUTION", "FINAL_WARNING": "YOUTH_CAUTION", "FINAL WARNING": "YOUTH_CAUTION"},
)
# A probation or community service order became the community order in April 2005; imprisonment for public protection ended in 2012.
_SENTENCE = Codes(
    {
        "CUSTODY": "CUSTODY",
        "IMP": "CUSTODY",
        "DTO": "CUSTODY",
        "YOI": "CUSTODY",
        "LIFE": "CUSTODY",
        "SUSPENDED": "SUSPENDED",
        "SSO": "SUSPENDED",
        "COMMUNITY": "COMMUNITY",
        "CO": "COMMUNITY",
        "YRO": "COMMUNITY",
        "FINE": "FINE",
        "DISCHARGE": "DISCHARGE",
        "AD": "DISCHARGE",
        "CD": "DISCHARGE",
        "REFERRAL": "REFERRAL",
        "RO": "REFERRAL",
        "OTHER": "OTHER",
    },
    {"IPP": "CUSTODY", "CPO": "COMMUNITY", "CSO": "COMMUNITY"},
)


class PoliceCharges(CsvSource):
    """One row an offence charged or cautioned, for one person: three charges of one person are three rows, and so are one charge of three.

    Traps of the system: a caution has no case; a charge awaiting its end has neither disposal nor disposal date; an offence over several
    days has the first of them; a dummy arrest number stands where there was no arrest; the postcode is that of the charge, not of today.
    The headers are ours: such an export is configured by each force.
    """

    name = "police_charges"
    system = "Niche RMS, custody and charges"
    grain = "offence charged or cautioned, for one person"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "Crime Ref": Column("crime_reference", FieldType.TEXT, identifier="crime_reference"),
        "Case URN": Column("case_urn", FieldType.TEXT, identifier="urn"),
        "ASN": Column("asn", FieldType.TEXT, identifier="asn"),
        "PNCID": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "CRO No": Column("cro_number", FieldType.TEXT, identifier="cro"),
        "Surname": Column("surname", FieldType.TEXT),
        "Forename(s)": Column("forename", FieldType.TEXT),
        "DOB": Column("date_of_birth", FieldType.DATE),
        "Postcode": Column("postcode", FieldType.TEXT),
        "Sex": Column("sex", FieldType.TEXT, codes=SEX),
        "Ethnicity SDE": Column("ethnicity", FieldType.TEXT, codes=ETHNICITY),
        "LA of Residence": Column("authority_of_residence", FieldType.TEXT),
        "HO Offence Code": Column("offence_code", FieldType.TEXT, codes=COUNTING_RULES_CODE),
        "Recordable": Column("recordable", FieldType.TEXT, codes=YES_NO),
        "Breach": Column("breach", FieldType.TEXT, codes=YES_NO),
        "Offence Date From": Column("offence_date", FieldType.DATE),
        "Charge Date": Column("charge_date", FieldType.DATE),
        "Disposal": Column("disposal", FieldType.TEXT, codes=_DISPOSAL),
        "Disposal Date": Column("disposal_date", FieldType.DATE),
        "Sentence": Column("sentence_type", FieldType.TEXT, codes=_SENTENCE),
        "DA Marker": Column("domestic_abuse", FieldType.TEXT, codes=YES_NO),
        "Sexual Violence Marker": Column("sexual_violence", FieldType.TEXT, codes=YES_NO),
        "Hate Marker": Column("hate_crime", FieldType.TEXT, codes=YES_NO),
        "CSA Marker": Column("child_sexual_abuse", FieldType.TEXT, codes=YES_NO),
        "Mental Health Marker": Column("mental_health", FieldType.TEXT, codes=YES_NO),
    }
    derived: ClassVar[Mapping[str, Derived]] = {
        **match_keys("surname", "forename", "date_of_birth", postcode="postcode"),
        "age": Age("date_of_birth", "charge_date"),
    }
