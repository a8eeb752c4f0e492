"""Defendants in prosecutions, from the prosecution's case management system: completed in a month, or open on a day."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.cjs_codes import COURT_TYPE, SEX
from adapters.csv_extract import CsvSource
from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.native_codes import Codes
from adapters.source import Column
from agreements.fields import FieldType

_AREA = Codes({"CLEVELAND": "Cleveland", "17": "Cleveland", "DURHAM": "Durham", "11": "Durham"})
_PLEA = Codes({code: code for code in ("G", "NG", "NONE", "ADM", "DEN", "CON", "OPP")} | {"GUILTY": "G", "NOT GUILTY": "NG"})
# Early first hearings (EFH) and early administrative hearings (EAH) are no longer held under these names.
_STAGE = Codes(
    {"FIRST": "FIRST", "FIRST HEARING": "FIRST", "LATER": "LATER", "LATER HEARING": "LATER", "TRIAL": "TRIAL", "DAY OF TRIAL": "TRIAL"},
    {"EFH": "FIRST", "EAH": "FIRST"},
)
# Committal to the Crown Court ended in May 2013: cases are sent since.
_OUTCOME = Codes(
    {
        "GUILTY_PLEA": "GUILTY_PLEA",
        "GUILTY PLEA": "GUILTY_PLEA",
        "TRIAL_CONVICTION": "TRIAL_CONVICTION",
        "CONVICTION AFTER TRIAL": "TRIAL_CONVICTION",
        "PROVED_IN_ABSENCE": "PROVED_IN_ABSENCE",
        "PROOF IN ABSENCE": "PROVED_IN_ABSENCE",
        "SENT_TO_CROWN": "SENT_TO_CROWN",
        "SENT FOR TRIAL": "SENT_TO_CROWN",
        "ACQUITTED": "ACQUITTED",
        "DISMISSED AFTER TRIAL": "ACQUITTED",
        "JURY ACQUITTAL": "ACQUITTED",
        "NO_CASE": "NO_CASE",
        "NO CASE TO ANSWER": "NO_CASE",
        "DISCONTINUED": "DISCONTINUED",
        "WITHDRAWN": "WITHDRAWN",
        "NO_EVIDENCE_OFFERED": "NO_EVIDENCE_OFFERED",
        "NO EVIDENCE OFFERED": "NO_EVIDENCE_OFFERED",
        "LEFT_ON_FILE": "LEFT_ON_FILE",
        "LIE ON FILE": "LEFT_ON_FILE",
        "ADMINISTRATIVE": "ADMINISTRATIVE",
        "ADMIN FINALISED": "ADMINISTRATIVE",
    },
    {"COMMITTED FOR TRIAL": "SENT_TO_CROWN"},
)
_REASON = Codes(
    {
        "VICTIM_RETRACTED": "VICTIM_RETRACTED",
        "VICTIM REFUSES OR RETRACTS": "VICTIM_RETRACTED",
        "VICTIM_ABSENT": "VICTIM_ABSENT",
        "VICTIM NON-ATTENDANCE": "VICTIM_ABSENT",
        "VICTIM_EVIDENCE": "VICTIM_EVIDENCE",
        "VICTIM EVIDENCE DOES NOT SUPPORT": "VICTIM_EVIDENCE",
        "WITNESS_RETRACTED": "WITNESS_RETRACTED",
        "WITNESS REFUSES OR RETRACTS": "WITNESS_RETRACTED",
        "WITNESS_ABSENT": "WITNESS_ABSENT",
        "WITNESS NON-ATTENDANCE": "WITNESS_ABSENT",
        "WITNESS_EVIDENCE": "WITNESS_EVIDENCE",
        "WITNESS EVIDENCE DOES NOT SUPPORT": "WITNESS_EVIDENCE",
        "INSUFFICIENT_EVIDENCE": "INSUFFICIENT_EVIDENCE",
        "LEGAL_ELEMENT_MISSING": "LEGAL_ELEMENT_MISSING",
        "PUBLIC_INTEREST": "PUBLIC_INTEREST",
        "OTHER": "OTHER",
    }
)


class CpsCases(CsvSource):
    """One row a defendant in a case: two defendants of one case are two rows, and a defendant in two cases is too.

    Traps of the system: two exports have these columns, cases completed in a month and cases open on a day, and each leaves out what it
    does not know (an open case has no outcome, a completed one no snapshot date); a case sent to the Crown Court is completed twice; a
    reason stands only beside an unsuccessful outcome, and sometimes beside another. The headers are ours.
    """

    name = "cps_cases"
    system = "CPS Case Management System (CMS)"
    grain = "defendant in a case"
    format = "CSV, UTF-8 or Windows-1252, with header"
    columns: ClassVar[Mapping[str, Column]] = {
        "URN": Column("case_urn", FieldType.TEXT, identifier="urn"),
        "Defendant Surname": Column("surname", FieldType.TEXT),
        "Defendant Forenames": Column("forename", FieldType.TEXT),
        "Date of Birth": Column("date_of_birth", FieldType.DATE),
        "Gender": Column("sex", FieldType.TEXT, codes=SEX),
        "PNC ID": Column("pnc_id", FieldType.TEXT, identifier="pnc"),
        "ASN": Column("asn", FieldType.TEXT, identifier="asn"),
        "Police Area": Column("police_area", FieldType.TEXT, codes=_AREA),
        "Court Type": Column("court_type", FieldType.TEXT, codes=COURT_TYPE),
        "First Hearing": Column("first_hearing_date", FieldType.DATE),
        "Plea": Column("plea", FieldType.TEXT, codes=_PLEA),
        "Guilty Plea Stage": Column("plea_stage", FieldType.TEXT, codes=_STAGE),
        "Finalisation Date": Column("completion_date", FieldType.DATE),
        "Finalisation Outcome": Column("outcome", FieldType.TEXT, codes=_OUTCOME),
        "Unsuccessful Reason": Column("unsuccessful_reason", FieldType.TEXT, codes=_REASON),
        "Extract Date": Column("snapshot_date", FieldType.DATE),
    }
    derived: ClassVar[Mapping[str, Derived]] = match_keys("surname", "forename", "date_of_birth")
