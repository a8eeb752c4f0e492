"""MR1 to MR8 in plain SQL over the agreed datasets. Each constant gives one row a unit.

Words in quotation marks are DOMAIN.md's. Rows of the edition are those whose period field lies between getvariable('first') and ('last').
"""

NEEDS = ("accommodation", "employment", "relationships", "lifestyle", "drugs", "alcohol", "thinking", "attitudes")

ENTRIES = """
-- "Cohort: everyone with an entry (release from custody, non-custodial conviction, caution) in the window". Release: of somebody who was serving a sentence.
-- Of two on one day the one named first counts.
SELECT person, movement_date AS day, 1 AS kind, 'Release from custody' AS entry
FROM prison_movements WHERE movement = 'Release' AND custody = 'Sentenced' AND person IS NOT NULL
UNION ALL
SELECT person, disposal_date, 2, 'Non-custodial conviction'
FROM charges WHERE disposal = 'Convicted' AND sentence = 'Not custody' AND disposal_date IS NOT NULL AND person IS NOT NULL
UNION ALL
SELECT person, disposal_date, 3, 'Caution'
FROM charges WHERE disposal = 'Cautioned' AND disposal_date IS NOT NULL AND person IS NOT NULL
"""

ONCE = """
-- "each person counts once, from the first entry; later entries never restart the clock and may be reoffences": once in each window of three months.
SELECT *
FROM (SELECT *, year(day) || '-Q' || quarter(day) AS "window" FROM ({entries}) WHERE day BETWEEN getvariable('first') AND getvariable('last'))
QUALIFY row_number() OVER (PARTITION BY person, "window" ORDER BY day, kind) = 1
"""

PROVEN = """
-- "Follow-up: 12 months after entry. Count recordable offences, breaches excluded, committed in follow-up and proven by conviction or caution within 18 months of entry."
-- One row an entry and an offence that counts.
SELECT came.person, came."window", came.day, later.event
FROM ({cohort}) AS came JOIN charges AS later ON later.person = came.person
WHERE later.recordable AND NOT later.breach AND later.disposal IN ('Convicted', 'Cautioned')
  AND later.offence_date > came.day AND later.offence_date <= came.day + INTERVAL 12 MONTH
  AND later.disposal_date <= came.day + INTERVAL 18 MONTH
"""

COUNTED = """
-- "Binary: reoffenders / cohort. Frequency: reoffences / reoffenders." One row a person and window.
SELECT came.*, coalesce(number, 0) AS reoffences, CASE WHEN number > 0 THEN 'true' ELSE 'false' END AS reoffended
FROM ({cohort}) AS came LEFT JOIN (SELECT person, "window", count(*) AS number FROM ({proven}) GROUP BY ALL) USING (person, "window")
"""


DIVERSIONS = """
-- MR7 "Diverted people (out-of-court disposal, triage) who do not come back, MR1's window". A caution is an out-of-court disposal.
SELECT person, disposal_date AS day, 1 AS kind, 'Out-of-court disposal' AS entry
FROM charges WHERE disposal IN ('Cautioned', 'Other out of court') AND disposal_date IS NOT NULL AND person IS NOT NULL
UNION ALL
SELECT person, start_date, 2, 'Youth diversion'
FROM yos_interventions WHERE intervention = 'Diversion' AND person IS NOT NULL
"""

AS_AT_ENTRY = """
-- "attributes as at entry": what the latest row says that is of the day of entry or earlier, by no more than {within}; of one day's rows the least word.
SELECT came.person, came."window", one.value AS {name}
FROM ({cohort}) AS came JOIN ({rows}) AS one ON one.person = came.person
WHERE one.day <= came.day AND one.day >= came.day - INTERVAL {within}
QUALIFY row_number() OVER (PARTITION BY came.person, came."window" ORDER BY one.day DESC, one.value NULLS LAST) = 1
"""

MANAGED = """
-- MR3 "IOM cohorts, attributes as at entry": a case of a snapshot of the day of entry, or of the month before, was in the cohort by then and had not left, as that
-- snapshot has it.
SELECT DISTINCT came.person, came."window", 'true' AS managed
FROM ({cohort}) AS came JOIN ecins_cases AS one ON one.person = came.person
WHERE one.snapshot_date BETWEEN came.day - INTERVAL 1 MONTH AND came.day
  AND one.iom_start_date <= came.day AND coalesce(one.iom_end_date, came.day) >= came.day
"""

_ROWS = {
    "age_charged": ("24 MONTH", "SELECT person, disposal_date AS day, age_band AS value FROM charges"),
    "age_young": ("12 MONTH", "SELECT person, start_date AS day, age_band AS value FROM yos_interventions"),
    "sex_charged": ("24 MONTH", "SELECT person, disposal_date AS day, sex AS value FROM charges"),
    "home_prison": (
        "1 DAY",
        "SELECT person, movement_date AS day, accommodation AS value FROM prison_movements WHERE movement = 'Release'",
    ),
    "home_ecins": ("2 MONTH", "SELECT person, snapshot_date AS day, accommodation AS value FROM ecins_cases"),
    "work_prison": ("1 DAY", "SELECT person, movement_date AS day, employment AS value FROM prison_movements WHERE movement = 'Release'"),
    "work_ecins": ("2 MONTH", "SELECT person, snapshot_date AS day, employment AS value FROM ecins_cases"),
    **{
        f"{need}_{body}": (
            "12 MONTH",
            f"SELECT person, start_date AS day, need_{need} AS value FROM {body}_caseload WHERE need_{need} IN ('Flagged', 'Not flagged')",
        )
        for need in NEEDS
        for body in ("nps", "crc")
    },
}

_WORDS = """
-- MR3: youth (under 18), 18-25, female. MR6: home and work on release; where the prison knew nothing, what the partners' case says.
-- MR4: a need that either probation body flagged; without a completed assessment it is neither flagged nor not.
CASE WHEN age_charged IS NOT NULL THEN age_charged WHEN age_young IN ('under 10', '10 to 17') THEN 'under 18' ELSE 'Not known' END AS age,
coalesce(sex_charged, 'Not known') AS sex, coalesce(managed, 'false') AS iom,
CASE WHEN home_prison IS NULL THEN 'Not released' WHEN home_prison <> 'Not known' THEN home_prison ELSE coalesce(home_ecins, 'Not known') END AS home,
CASE WHEN work_prison IS NULL THEN 'Not released' WHEN work_prison <> 'Not known' THEN work_prison ELSE coalesce(work_ecins, 'Not known') END AS work,
{needs}
"""


CAME = "SELECT * FROM came"


def counted(entries: str = ENTRIES) -> str:
    """MR1, MR2 of those who come in by these entries: one row a person and window, ``reoffended`` and how many ``reoffences``."""
    return f"WITH came AS ({ONCE.format(entries=entries)}) {COUNTED.format(cohort=CAME, proven=PROVEN.format(cohort=CAME))}"


def described() -> str:
    """MR1 to MR4 and MR6: the same, and what is known of each person as at entry."""
    joins = [AS_AT_ENTRY.format(name=name, within=within, rows=rows, cohort=CAME) for name, (within, rows) in _ROWS.items()]
    beside = " ".join(f'LEFT JOIN ({one}) USING (person, "window")' for one in (*joins, MANAGED.format(cohort=CAME)))
    needs = ", ".join(
        f"CASE WHEN 'Flagged' IN ({need}_nps, {need}_crc) THEN 'Flagged' WHEN {need}_nps IS NULL AND {need}_crc IS NULL THEN 'No completed assessment' "
        f"ELSE 'Not flagged' END AS need_{need}"
        for need in NEEDS
    )
    counts = COUNTED.format(cohort=CAME, proven=PROVEN.format(cohort=CAME))
    return f"WITH came AS ({ONCE.format(entries=ENTRIES)}) SELECT *, {_WORDS.format(needs=needs)} FROM ({counts}) {beside}"


ENTRANTS = """
-- MR5 "First-time entrants to the youth justice system ... per 100,000 aged 10-17 where the population is given, else counts".
-- A young person in whose name something begins on a day is one, however many interventions begin.
SELECT strftime(start_date, '%Y-%m') AS month, authority, coalesce(age_band, 'Not known') AS age, CAST(first_time_entrant AS VARCHAR) AS entrant
FROM yos_interventions
WHERE start_date BETWEEN getvariable('first') AND getvariable('last') AND person_name_dob IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY supplier, start_date, person_name_dob ORDER BY age_band NULLS LAST, authority, first_time_entrant) = 1
"""

MOVEMENTS = """
-- MR8 "receptions (movements)"; MR6 "Settled accommodation and employment on release / releases with known status, unknown shown". A movement is a row.
SELECT strftime(movement_date, '%Y-%m') AS month, establishment AS prison, movement, accommodation, employment
FROM prison_movements
WHERE movement_date BETWEEN getvariable('first') AND getvariable('last')
"""

POPULATION = """
-- MR8 "Prison population (month-end snapshot)".
SELECT strftime(snapshot_month, '%Y-%m') AS month, establishment AS prison, custody
FROM prison_population
WHERE snapshot_month BETWEEN getvariable('first') AND getvariable('last')
"""

REFERRALS = """
-- MR7 "liaison referrals and engagement beside".
SELECT strftime(referral_month, '%Y-%m') AS month, supplier AS service, CAST(engaged AS VARCHAR) AS engaged
FROM liaison_referrals
WHERE referral_month BETWEEN getvariable('first') AND getvariable('last')
"""

CASELOAD = """
-- MR4 "flagged / people with a completed assessment". A person (by the number that probation gives) is one on the day of a snapshot, though two orders are
-- two rows of it: the row counts that comes first, need by need in the order of their names, by the words' alphabet: flagged, not flagged, without assessment.
SELECT strftime(snapshot_date, '%Y-%m') AS month, need_accommodation, need_employment, need_relationships, need_lifestyle, need_drugs, need_alcohol,
    need_thinking, need_attitudes
FROM {caseload}
WHERE snapshot_date BETWEEN getvariable('first') AND getvariable('last')
QUALIFY row_number() OVER (PARTITION BY supplier, snapshot_date, person_crn ORDER BY need_accommodation, need_alcohol, need_attitudes, need_drugs,
    need_employment, need_lifestyle, need_relationships, need_thinking) = 1
"""
