"""MV1 to MV8 in plain SQL over the agreed datasets; MV7 has an agreement of its own. Each constant gives one row a unit.

Words in quotation marks are DOMAIN.md's. Rows of the edition are those whose period field lies between getvariable('first') and ('last').
"""

SURVEY = """
-- MV1 "completely, very or fairly satisfied / valid answers, whole experience, by crime group; respondents and response rate shown".
-- Those whom the survey's own rules leave out were not asked.
SELECT strftime(survey_month, '%Y-%m') AS month, supplier AS force, crime_group, satisfaction
FROM survey
WHERE NOT excluded AND survey_month BETWEEN getvariable('first') AND getvariable('last')
"""

ATTENDANCE = """
-- MV3 "attended / required on the day, de-warned excluded".
SELECT strftime(required_month, '%Y-%m') AS month, CAST(victim AS VARCHAR) AS victim, attendance
FROM witness_days
WHERE required_month BETWEEN getvariable('first') AND getvariable('last')
"""

AGAIN = """
-- MV3 "would attend again / asked".
SELECT strftime(answered_month, '%Y-%m') AS month, would_attend_again AS again
FROM witness_answers
WHERE answered_month BETWEEN getvariable('first') AND getvariable('last')
"""

OFFERS = """
-- MV4 "accepted / offered; completed / accepted".
SELECT strftime(offered_month, '%Y-%m') AS month, CAST(accepted AS VARCHAR) AS accepted, CAST(completed AS VARCHAR) AS completed
FROM rj_offers
WHERE offered_month BETWEEN getvariable('first') AND getvariable('last')
"""

NEEDS = ("health", "safety", "family", "work", "substances", "money", "outlook", "social")
_CHANGE = """CASE WHEN closing_{need} > opening_{need} THEN 'Better' WHEN closing_{need} = opening_{need} THEN 'Same'
        WHEN closing_{need} < opening_{need} THEN 'Worse' ELSE 'Not scored twice' END AS {need},
    CASE WHEN closing_{need} IS NOT NULL THEN opening_{need} END AS opening_{need}, CASE WHEN opening_{need} IS NOT NULL THEN closing_{need} END AS closing_{need}"""

SUPPORT = f"""
-- MV2 "assessments completed (assessments, not people); paired change opening->closing by need, closed cases only": a change is there where both scores are.
-- MV8 "Satisfaction with VCAS support".
SELECT strftime(assessed_month, '%Y-%m') AS month, CAST(closed AS VARCHAR) AS closed, satisfaction,
    {", ".join(_CHANGE.format(need=need) for need in NEEDS)}
FROM support_cases
WHERE assessed_month BETWEEN getvariable('first') AND getvariable('last')
"""

ATTRITION = """
-- MV6 "Attrition for vulnerable groups: cohort by report month; charged, completed, convicted, victim withdrew; provisional until 12 months": what happened up to
-- the twelfth calendar month after the month of report counts. A victim of a crime is a row; organisations are none. The charge of the crime is the latest of the same force, a case's end the
-- latest; of one month's, what got furthest. A victim who was required and did not come is one of the same case.
-- MV4 "offered / victims of recorded crime": an offer about the same crime, made to the same person.
WITH victim AS (
    SELECT row_number() OVER () AS number, * FROM victims
    WHERE victim_kind = 'Person' AND report_date BETWEEN getvariable('first') AND getvariable('last')
), charge AS (
    SELECT victim.number, charges."case", charges.charge_month, charges.disposal
    FROM victim JOIN charges ON charges.crime = victim.crime AND charges.supplier = victim.supplier
    QUALIFY row_number() OVER (PARTITION BY victim.number ORDER BY charges.charge_month DESC,
        list_position(['Convicted', 'Not convicted', 'Awaiting outcome', 'Cautioned', 'Other out of court'], charges.disposal), charges."case" NULLS LAST) = 1
), ending AS (
    SELECT charge.number, cps_completed.completion_month, cps_completed.outcome AS result, cps_completed.reason
    FROM charge JOIN cps_completed USING ("case")
    WHERE cps_completed.outcome IN ('Convicted', 'Proved in absence', 'Unsuccessful', 'Administrative')
    QUALIFY row_number() OVER (PARTITION BY charge.number ORDER BY completion_month DESC,
        list_position(['Convicted', 'Proved in absence', 'Unsuccessful', 'Administrative'], outcome), reason) = 1
), told AS (
    SELECT victim.*, charge.disposal, ending.result, ending.reason,
        coalesce(datediff('month', report_date, charge.charge_month) BETWEEN 0 AND 12, false) AS charged_in_time,
        coalesce(datediff('month', report_date, ending.completion_month) BETWEEN 0 AND 12, false) AS ended_in_time,
        coalesce(datediff('month', report_date, outcome_month) BETWEEN 0 AND 12, false) AS decided_in_time,
        EXISTS (SELECT 1 FROM witness_days WHERE witness_days."case" = charge."case" AND witness_days.victim AND attendance = 'Did not attend') AS absent,
        EXISTS (SELECT 1 FROM rj_offers WHERE rj_offers.crime = victim.crime AND rj_offers.person = victim.person) AS was_offered
    FROM victim LEFT JOIN charge USING (number) LEFT JOIN ending USING (number)
)
SELECT supplier AS force, strftime(report_date, '%Y-%m') AS month, CAST(domestic_abuse AS VARCHAR) AS domestic_abuse,
    CAST(sexual_violence AS VARCHAR) AS sexual_violence, CAST(hate_crime AS VARCHAR) AS hate_crime, CAST(child_sexual_abuse AS VARCHAR) AS child_sexual_abuse,
    CAST(mental_health AS VARCHAR) AS mental_health, coalesce(age_band, 'Not known') AS age, CAST(was_offered AS VARCHAR) AS offered,
    CASE WHEN ended_in_time AND result IN ('Convicted', 'Proved in absence') THEN 'Convicted'
         WHEN ended_in_time AND (reason IN ('Victim', 'Other witness') OR absent) THEN 'Prosecution lost: victim or witness'
         WHEN ended_in_time THEN 'Prosecution lost: other reason'
         WHEN charged_in_time AND disposal IN ('Convicted', 'Not convicted', 'Awaiting outcome') THEN 'Charged, not completed'
         WHEN charged_in_time THEN 'Dealt with out of court'
         WHEN decided_in_time AND outcome = 'Victim does not support action' THEN 'Victim withdrew before a charge'
         ELSE 'No charge yet' END AS progress
FROM told
"""

REPEATS = """
-- MV5 "people who were victims of a crime recorded in the month and of another in the previous 365 days / distinct people who were victims that month;
-- organisations and same-incident crimes excluded". Each person once a month; another crime is one of another crime and another incident, on the same day or earlier.
SELECT strftime(now.report_date, '%Y-%m') AS month, now.person,
    CAST(bool_or(EXISTS (
        SELECT 1 FROM victims AS earlier
        WHERE earlier.person = now.person AND earlier.victim_kind = 'Person'
          AND earlier.report_date BETWEEN now.report_date - 365 AND now.report_date
          AND earlier.crime <> now.crime AND earlier.incident <> now.incident
    )) AS VARCHAR) AS repeat
FROM victims AS now
WHERE now.victim_kind = 'Person' AND now.person IS NOT NULL AND now.report_date BETWEEN getvariable('first') AND getvariable('last')
GROUP BY ALL
"""

OUTCOMES = """
-- MV7 "Denominator: crimes with an id, by crime month; one outcome a crime: the latest matching outcomes row, else the street row's last outcome, else "no outcome
-- yet"; groups are a `map` in the agreement; months-to-outcome from outcomes rows only, the rest counted." Of outcomes of one month the group that stands first.
WITH crime AS (
    SELECT * FROM crimes
    WHERE crime IS NOT NULL AND "month" BETWEEN getvariable('first') AND getvariable('last')
    QUALIFY row_number() OVER (PARTITION BY supplier, crime, "month" ORDER BY authority, crime_type, last_outcome NULLS LAST) = 1
), latest AS (
    SELECT supplier, crime, "month", outcome FROM outcomes
    QUALIFY row_number() OVER (PARTITION BY supplier, crime ORDER BY "month" DESC, list_position(['Charged', 'Out of court', 'Not in the public interest',
        'Other organisation', 'Unable to prosecute', 'No suspect identified', 'Status unavailable', 'Under investigation', 'Other outcome'], outcome)) = 1
)
SELECT crime.supplier AS force, strftime(crime."month", '%Y-%m') AS "month", crime.authority, crime.crime_type,
    coalesce(latest.outcome, crime.last_outcome, 'No outcome yet') AS "group",
    CASE WHEN latest."month" IS NULL THEN 'No row among the outcomes'
         WHEN latest."month" < crime."month" THEN 'Dated before the crime'
         WHEN datediff('month', crime."month", latest."month") = 0 THEN 'Same month'
         WHEN datediff('month', crime."month", latest."month") = 1 THEN '1 month'
         WHEN datediff('month', crime."month", latest."month") = 2 THEN '2 months'
         ELSE '3 months or more' END AS months_to_outcome
FROM crime LEFT JOIN latest ON latest.supplier = crime.supplier AND latest.crime = crime.crime
"""
