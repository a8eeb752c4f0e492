"""ME1 to ME7 in plain SQL over the agreed datasets. Each constant gives one row a unit; its columns are what tables are cut by, and numbers.

Words in quotation marks are DOMAIN.md's. Rows of the edition are those whose period field lies between getvariable('first') and ('last').
"""

TRIALS = """
-- ME1 "Unit: a trial listing, by listed date (co-defendants together once, continuation days not again)."
-- A further day has no result. Where co-defendants' results differ, the first in the alphabet counts.
-- ME1 "Each rate / (effective + cracked + ineffective); vacated excluded and counted beside": all four stand in the table.
-- ME2 "reason J and N3 / (cracked + ineffective), and / all; N1, N2 beside": reasons stand in the table. ME6: video link used on the day.
SELECT strftime(listed_date, '%Y-%m') AS month, court, effectiveness, reason, CAST(video_link_used AS VARCHAR) AS video_link
FROM trials
WHERE effectiveness IS NOT NULL AND listed_date BETWEEN getvariable('first') AND getvariable('last')
QUALIFY row_number() OVER (PARTITION BY supplier, "case", listed_date ORDER BY court, effectiveness, reason, video_link_used) = 1
"""

COMPLETIONS = """
-- ME3 "defendants pleading guilty at first hearing / defendants with a guilty plea at any stage, completed in the month; magistrates' courts;
-- proved in absence and sent to the Crown Court excluded". ME4 "Unsuccessful outcomes with a victim or witness reason / all unsuccessful outcomes, by completion".
-- A defendant in a case at one level of court is a row.
SELECT strftime(completion_date, '%Y-%m') AS month, police_area AS area, court_type, outcome, plea_stage, reason
FROM cps_completed
WHERE completion_date BETWEEN getvariable('first') AND getvariable('last')
"""

WITNESSES = """
-- ME6 "Video links and special measures for vulnerable witnesses: used / required". A witness required on a day is a row; the de-warned stand apart.
SELECT strftime(required_month, '%Y-%m') AS month, attendance, special_measures, video_link
FROM witness_days
WHERE required_month BETWEEN getvariable('first') AND getvariable('last')
"""

TIMELINESS = """
-- ME5 "medians and quartiles of days offence->charge, charge->first hearing, first hearing->completion, defendants completed in the period, by offence group;
-- negative or missing excluded and counted". Who is sent to the Crown Court is completed there. The charge is the same person's in the same case, of any force:
-- the earliest by charge; of one day's the offence group that stands first in the agreement; then the earliest offence.
WITH defendant AS (
    SELECT row_number() OVER () AS number, * FROM cps_completed
    WHERE outcome <> 'Sent to the Crown Court' AND completion_date BETWEEN getvariable('first') AND getvariable('last')
), first_charge AS (
    SELECT defendant.number, charges.offence_date, charges.charge_date, charges.offence_group
    FROM defendant JOIN charges ON charges."case" = defendant."case" AND charges.person = defendant.person
    QUALIFY row_number() OVER (PARTITION BY defendant.number ORDER BY charges.charge_date, list_position(['Violence against the person', 'Sexual offences',
        'Robbery', 'Theft offences', 'Criminal damage and arson', 'Drug offences', 'Possession of weapons offences', 'Public order offences',
        'Miscellaneous crimes against society', 'Fraud offences', 'Summary and other offences', 'Not known'], charges.offence_group),
        charges.offence_date NULLS LAST) = 1
), measured AS (
    SELECT *, charge_date - offence_date AS offence_to_charge, first_hearing_date - charge_date AS charge_to_hearing,
        completion_date - first_hearing_date AS hearing_to_completion
    FROM defendant LEFT JOIN first_charge USING (number)
)
SELECT strftime(completion_date, '%Y-%m') AS month, police_area AS area, court_type, coalesce(offence_group, 'Not known') AS offence_group,
    offence_to_charge, charge_to_hearing, hearing_to_completion,
    CASE WHEN offence_to_charge >= 0 AND charge_to_hearing >= 0 AND hearing_to_completion >= 0 THEN 'All known and in order'
         ELSE 'Some missing or out of order' END AS dates
FROM measured
"""

OPEN = """
-- ME5 "open cases beside, with number and median age", on the day of the snapshot, from the first hearing.
SELECT strftime(snapshot_date, '%Y-%m') AS month, police_area AS area, court_type, snapshot_date - first_hearing_date AS age
FROM cps_open
WHERE snapshot_date BETWEEN getvariable('first') AND getvariable('last')
"""

CLAIMS = """
-- ME7 "Legal aid cost of cases that did not go to trial". A claim is a row. The agency says whether the case went to trial;
-- and a listing of the same case that was effective says that it did, whoever says otherwise.
SELECT strftime(paid_month, '%Y-%m') AS month, stage, CAST(went_to_trial AS VARCHAR) AS trial, amount,
    CASE WHEN EXISTS (SELECT 1 FROM trials WHERE trials."case" = claim."case" AND trials.effectiveness = 'Effective') THEN 'true' ELSE 'false' END AS tried
FROM legal_aid_claims AS claim
WHERE paid_month BETWEEN getvariable('first') AND getvariable('last')
"""
