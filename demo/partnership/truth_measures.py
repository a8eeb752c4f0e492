"""Every measure, counted once more from the ledger's views (``truth_ledger``): one row a unit, its columns called as the release calls its dimensions and values.

True people, cases and crimes stand where the hub has pseudonyms, so nothing is linked here; only the definitions are the same.
"""

from collections.abc import Mapping

from demo.partnership.truth_people import PEOPLE

_MONTH = "strftime(month, '%Y-%m') AS month"
_GROUPS = """['Violence against the person', 'Sexual offences', 'Robbery', 'Theft offences', 'Criminal damage and arson', 'Drug offences',
    'Possession of weapons offences', 'Public order offences', 'Miscellaneous crimes against society', 'Fraud offences', 'Summary and other offences', 'Not known']"""
_IN = "month BETWEEN getvariable('first') AND getvariable('last')"

_CHANGES = ", ".join(
    f"CASE WHEN closing_{need} > opening_{need} THEN 'Better' WHEN closing_{need} < opening_{need} THEN 'Worse' "
    f"WHEN closing_{need} = opening_{need} THEN 'Same' ELSE 'Not scored twice' END AS {need}, "
    f"CASE WHEN support.closing_{need} > 0 THEN support.opening_{need} END AS opening_{need}, "
    f"CASE WHEN support.opening_{need} > 0 THEN support.closing_{need} END AS closing_{need}"
    for need in ("health", "safety", "family", "work", "substances", "money", "outlook", "social")
)


def _soon(when: str) -> str:
    """Whether a day lies in the twelve months after the month of report, or in that month."""
    return f"(datediff('month', report_date, {when}) BETWEEN 0 AND 12)"


EFFECTIVENESS: Mapping[str, str] = {
    # A case listed on a day is one listing, whoever stands in the dock; a day on which a trial went on has no result.
    "me1-trials": f"""SELECT DISTINCT {_MONTH}, court, effectiveness, reason, CAST(video_link AS VARCHAR) AS video_link, listing
        FROM trial WHERE effectiveness IS NOT NULL AND {_IN}""",
    "me3-completions": f"SELECT {_MONTH}, area, court_type, outcome, plea_stage, reason FROM completed WHERE {_IN}",
    "me6-special-measures": f"SELECT {_MONTH}, attendance, special_measures, video_link FROM required WHERE {_IN}",
    # A defendant is completed once, where the case ended. Of offences charged on one day the group that stands first counts, then the earliest offence.
    "me5-timeliness": f"""WITH defendant AS (SELECT row_number() OVER () AS number, * FROM completed WHERE outcome <> 'Sent to the Crown Court' AND {_IN}),
        first_charge AS (
            SELECT number, charge.offence_date, charge.charge_date, charge.offence_group FROM defendant JOIN charge USING (episode)
            QUALIFY row_number() OVER (PARTITION BY number ORDER BY charge.charge_date, list_position({_GROUPS}, charge.offence_group), charge.offence_date) = 1),
        measured AS (
            SELECT * EXCLUDE (offence_group), offence_group AS found, charge_date - offence_date AS offence_to_charge, first_hearing_date - charge_date AS charge_to_hearing,
                completion_date - first_hearing_date AS hearing_to_completion FROM defendant LEFT JOIN first_charge USING (number))
        SELECT * EXCLUDE (month), {_MONTH}, coalesce(found, 'Not known') AS offence_group,
            CASE WHEN offence_to_charge >= 0 AND charge_to_hearing >= 0 AND hearing_to_completion >= 0 THEN 'All known and in order'
                ELSE 'Some missing or out of order' END AS dates FROM measured""",
    "me5-open": f"SELECT {_MONTH}, area, court_type, snapshot_date - first_hearing_date AS age FROM still_open WHERE {_IN}",
    "me7-claims": f"""SELECT {_MONTH}, stage, CAST(tried AS VARCHAR) AS trial,
        CASE WHEN getvariable('delivered') THEN (amount + 5) // 10 * 10 ELSE amount END AS amount,
        CASE WHEN EXISTS (SELECT 1 FROM trial WHERE trial."case" = claim."case" AND trial.effectiveness = 'Effective') THEN 'true' ELSE 'false' END AS tried
        FROM claim WHERE {_IN}""",
}

VICTIMS: Mapping[str, str] = {
    "mv1-satisfaction": f"SELECT {_MONTH}, supplier AS force, crime_group, satisfaction FROM answered WHERE NOT excluded AND {_IN}",
    "mv3-attendance": f"SELECT {_MONTH}, CAST(victim AS VARCHAR) AS victim, attendance FROM required WHERE {_IN}",
    "mv3-again": f"SELECT {_MONTH}, again FROM asked WHERE {_IN}",
    "mv4-offers": f"SELECT {_MONTH}, CAST(accepted AS VARCHAR) AS accepted, CAST(completed AS VARCHAR) AS completed FROM offer WHERE {_IN}",
    # One charge a crime, one end of its case: the latest, and of one month's what got furthest; up to the twelfth month after the month of report.
    "mv6-attrition": f"""WITH unit AS (SELECT row_number() OVER () AS number, * FROM victim WHERE victim_kind = 'Person' AND {_IN}),
        charged AS (
            SELECT number, charge."case", charge.month AS charge_month, charge.disposal FROM unit JOIN charge USING (crime, supplier)
            QUALIFY row_number() OVER (PARTITION BY number ORDER BY charge.month DESC, list_position(
                ['Convicted', 'Not convicted', 'Awaiting outcome', 'Cautioned', 'Other out of court'], charge.disposal), charge."case") = 1),
        ended AS (
            SELECT number, completed.month AS end_month, completed.outcome AS result, completed.reason FROM charged JOIN completed USING ("case")
            WHERE completed.outcome <> 'Sent to the Crown Court'
            QUALIFY row_number() OVER (PARTITION BY number ORDER BY completed.month DESC, list_position(
                ['Convicted', 'Proved in absence', 'Unsuccessful', 'Administrative'], completed.outcome), completed.reason) = 1),
        missed AS (SELECT DISTINCT "case", true AS absent FROM required WHERE victim AND attendance = 'Did not attend'),
        offers AS (SELECT DISTINCT crime, person, true AS offered FROM offer)
        SELECT {_MONTH}, supplier AS force, CAST(domestic_abuse AS VARCHAR) AS domestic_abuse, CAST(sexual_violence AS VARCHAR) AS sexual_violence,
            CAST(hate_crime AS VARCHAR) AS hate_crime, CAST(child_sexual_abuse AS VARCHAR) AS child_sexual_abuse, CAST(mental_health AS VARCHAR) AS mental_health,
            CASE WHEN age < 18 THEN 'under 18' WHEN age >= 18 THEN '18 and over' ELSE 'Not known' END AS age,
            CAST(coalesce(offers.offered, false) AS VARCHAR) AS offered,
            CASE WHEN {_soon("end_month")} AND result IN ('Convicted', 'Proved in absence') THEN 'Convicted'
                WHEN {_soon("end_month")} AND (reason IN ('Victim', 'Other witness') OR absent) THEN 'Prosecution lost: victim or witness'
                WHEN {_soon("end_month")} THEN 'Prosecution lost: other reason'
                WHEN {_soon("charge_month")} AND disposal IN ('Convicted', 'Not convicted', 'Awaiting outcome') THEN 'Charged, not completed'
                WHEN {_soon("charge_month")} THEN 'Dealt with out of court'
                WHEN {_soon("outcome_date")} AND outcome = 'Victim does not support action' THEN 'Victim withdrew before a charge'
                ELSE 'No charge yet' END AS progress
        FROM unit LEFT JOIN charged USING (number) LEFT JOIN ended USING (number) LEFT JOIN missed ON missed."case" = charged."case"
        LEFT JOIN offers ON offers.crime = unit.crime AND offers.person = unit.person""",
    "mv8-support": f"""SELECT {_MONTH}, CAST(closed AS VARCHAR) AS closed, satisfaction, {_CHANGES} FROM support WHERE {_IN}""",
}

REOFFENDING: Mapping[str, str] = {
    "mr5-entrants": f"""SELECT DISTINCT {_MONTH}, authority, CAST(first AS VARCHAR) AS entrant, person, day,
        CASE WHEN age < 10 THEN 'under 10' WHEN age < 18 THEN '10 to 17' ELSE '18 and over' END AS age FROM young WHERE {_IN}""",
    "mr7-referrals": f"SELECT {_MONTH}, service, CAST(engaged AS VARCHAR) AS engaged FROM referral WHERE {_IN}",
    "mr8-population": f"SELECT {_MONTH}, prison, custody FROM held WHERE {_IN}",
    "mr8-movements": f"SELECT {_MONTH}, prison, movement, accommodation, employment FROM movement WHERE {_IN}",
}

OUTCOMES = f"""WITH latest AS (
        SELECT supplier, crime, month AS outcome_month, outcome FROM outcome
        QUALIFY row_number() OVER (PARTITION BY supplier, crime ORDER BY month DESC, list_position(['Charged', 'Out of court', 'Not in the public interest',
            'Other organisation', 'Unable to prosecute', 'No suspect identified', 'Status unavailable', 'Under investigation', 'Other outcome'], outcome)) = 1),
    unit AS (SELECT *, datediff('month', month, outcome_month) AS waited FROM published LEFT JOIN latest USING (supplier, crime) WHERE crime IS NOT NULL AND {_IN})
    SELECT {_MONTH}, supplier AS force, authority, crime_type, coalesce(outcome, last_outcome, 'No outcome yet') AS "group",
        CASE WHEN waited IS NULL THEN 'No row among the outcomes' WHEN waited < 0 THEN 'Dated before the crime' WHEN waited = 0 THEN 'Same month'
            WHEN waited = 1 THEN '1 month' WHEN waited = 2 THEN '2 months' ELSE '3 months or more' END AS months_to_outcome FROM unit"""


def _needs(caseload: str) -> str:
    """Of somebody with two orders the row counts that comes first, need by need in the order of their names: flagged, not flagged, without assessment."""
    names = ("accommodation", "alcohol", "attitudes", "drugs", "employment", "lifestyle", "relationships", "thinking")
    needs = ", ".join(f"need_{name}" for name in names)
    return f"""SELECT {_MONTH}, {needs} FROM {caseload} WHERE {_IN}
        QUALIFY row_number() OVER (PARTITION BY month, person ORDER BY {needs}) = 1"""


READINGS: Mapping[str, str] = {
    **EFFECTIVENESS,
    **VICTIMS,
    **REOFFENDING,
    **PEOPLE,
    "mv7-outcomes": OUTCOMES,
    "mr4-needs-nps": _needs("nps"),
    "mr4-needs-crc": _needs("crc"),
}
"""Release → its units."""
