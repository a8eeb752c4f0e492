"""Measures that follow people, counted from the ledger's views: who came in, what they did before and after, and what was so on that day."""

from collections.abc import Mapping

NEEDS = ("accommodation", "employment", "relationships", "lifestyle", "drugs", "alcohol", "thinking", "attitudes")

# Out of prison after a sentence, or a conviction without prison, or a caution: in this order where they fall on one day.
_ENTRIES = """SELECT person, day, 1 AS kind, 'Release from custody' AS entry FROM movement WHERE movement = 'Release' AND custody = 'Sentenced'
    UNION ALL SELECT person, disposal_date, 2, 'Non-custodial conviction' FROM charge WHERE disposal = 'Convicted' AND sentence = 'Not custody'
    UNION ALL SELECT person, disposal_date, 3, 'Caution' FROM charge WHERE disposal = 'Cautioned'"""
_DIVERSIONS = """SELECT person, disposal_date AS day, 1 AS kind, 'Out-of-court disposal' AS entry FROM charge
    WHERE disposal IN ('Cautioned', 'Other out of court') AND month >= getvariable('first')
    UNION ALL SELECT person, day, 2, 'Youth diversion' FROM young WHERE intervention = 'Diversion'"""

# From the first entry of the quarter: offences of the next twelve months that were proven within eighteen.
_FOLLOWED = """came AS (
    SELECT *
    FROM (SELECT *, year(day) || '-Q' || quarter(day) AS "window" FROM ({entries}) WHERE day BETWEEN getvariable('first') AND getvariable('last'))
    QUALIFY row_number() OVER (PARTITION BY person, "window" ORDER BY day, kind) = 1
), proven AS (
    SELECT came.person, came."window", count(*) AS reoffences FROM came JOIN charge USING (person)
    WHERE charge.recordable AND NOT charge.breach AND charge.disposal IN ('Convicted', 'Cautioned')
        AND charge.offence_date > came.day AND charge.offence_date <= came.day + INTERVAL 12 MONTH
        AND charge.disposal_date <= came.day + INTERVAL 18 MONTH
    GROUP BY ALL
), followed AS (
    SELECT came.*, coalesce(proven.reoffences, 0) AS reoffences, CASE WHEN proven.reoffences > 0 THEN 'true' ELSE 'false' END AS reoffended
    FROM came LEFT JOIN proven USING (person, "window")
)"""

# What the latest of somebody's rows says that is of the day they came in or earlier.
_AT_ENTRY = """{name} AS (
    SELECT came.person, came."window", one.value AS {name} FROM came JOIN ({rows}) AS one USING (person)
    WHERE one.day <= came.day AND one.day >= came.day - INTERVAL {within}
    QUALIFY row_number() OVER (PARTITION BY came.person, came."window" ORDER BY one.day DESC, one.value NULLS LAST) = 1
)"""
_CHARGED = "FROM charge WHERE month >= date_trunc('month', getvariable('first') - INTERVAL 24 MONTH)"
_CASES = "FROM ecins WHERE month <= getvariable('last')"
_RELEASES = "FROM movement WHERE movement = 'Release'"
_ROWS: Mapping[str, tuple[str, str]] = {
    "age_charged": (
        "24 MONTH",
        f"SELECT person, disposal_date AS day, CASE WHEN age < 18 THEN 'under 18' WHEN age < 26 THEN '18 to 25' ELSE '26 and over' END AS value {_CHARGED}",
    ),
    "sex_charged": ("24 MONTH", f"SELECT person, disposal_date AS day, sex AS value {_CHARGED}"),
    "age_young": ("12 MONTH", "SELECT person, day, age < 18 AS value FROM young"),
    "home_prison": ("1 DAY", f"SELECT person, day, accommodation AS value {_RELEASES}"),
    "work_prison": ("1 DAY", f"SELECT person, day, employment AS value {_RELEASES}"),
    "home_ecins": ("2 MONTH", f"SELECT person, snapshot_date AS day, accommodation AS value {_CASES}"),
    "work_ecins": ("2 MONTH", f"SELECT person, snapshot_date AS day, employment AS value {_CASES}"),
    **{
        f"{need}_{body}": (
            "12 MONTH",
            f"SELECT person, start_day AS day, need_{need} AS value FROM {body} WHERE need_{need} <> 'Without assessment' AND month <= getvariable('last')",
        )
        for need in NEEDS
        for body in ("nps", "crc")
    },
}

# Under integrated offender management: as an extract of that day or the month before had it, or as it was.
_MANAGED = """managing AS (
    SELECT DISTINCT came.person, came."window", 'true' AS iom FROM came JOIN (
        SELECT person, iom_start_day, iom_end_day, snapshot_date FROM ecins WHERE getvariable('delivered')
        UNION ALL SELECT person, iom_start_day, iom_end_day, NULL FROM managed WHERE NOT getvariable('delivered')
    ) AS one USING (person)
    WHERE coalesce(one.snapshot_date BETWEEN came.day - INTERVAL 1 MONTH AND came.day, true) AND one.iom_start_day <= came.day AND (one.iom_end_day IS NULL OR one.iom_end_day >= came.day)
)"""


def _reoffending() -> str:
    """MR1, MR2; MR3, MR4 and MR6 by what was so at entry."""
    told = ", ".join(_AT_ENTRY.format(name=name, within=within, rows=rows) for name, (within, rows) in _ROWS.items())
    beside = " ".join(f'LEFT JOIN {name} USING (person, "window")' for name in (*_ROWS, "managing"))
    needs = ", ".join(
        f"CASE WHEN 'Flagged' IN ({need}_nps, {need}_crc) THEN 'Flagged' WHEN coalesce({need}_nps, {need}_crc) IS NULL THEN 'No completed assessment' "
        f"ELSE 'Not flagged' END AS need_{need}"
        for need in NEEDS
    )
    return f"""WITH {_FOLLOWED.format(entries=_ENTRIES)}, {told}, {_MANAGED}
        SELECT followed.*, coalesce(age_charged, CASE WHEN age_young THEN 'under 18' END, 'Not known') AS age, coalesce(sex_charged, 'Not known') AS sex,
            coalesce(iom, 'false') AS iom, {needs},
            CASE WHEN home_prison IS NULL THEN 'Not released' WHEN home_prison <> 'Not known' THEN home_prison ELSE coalesce(home_ecins, 'Not known') END AS home,
            CASE WHEN work_prison IS NULL THEN 'Not released' WHEN work_prison <> 'Not known' THEN work_prison ELSE coalesce(work_ecins, 'Not known') END AS work
        FROM followed {beside}"""


# Victims of a month, each once; again: of another crime of another incident in the 365 days before.
_REPEATED = """SELECT strftime(now.month, '%Y-%m') AS month, now.person, CAST(bool_or(before.crime IS NOT NULL) AS VARCHAR) AS repeat
    FROM victim AS now LEFT JOIN victim AS before ON before.person = now.person AND before.crime <> now.crime AND before.incident <> now.incident
        AND before.report_date BETWEEN now.report_date - 365 AND now.report_date
    WHERE now.person IS NOT NULL AND now.month BETWEEN getvariable('first') AND getvariable('last') GROUP BY ALL"""

PEOPLE: Mapping[str, str] = {
    "mv5-repeat": _REPEATED,
    "mr1-reoffending": _reoffending(),
    "mr7-diverted": f"WITH {_FOLLOWED.format(entries=_DIVERSIONS)} SELECT * FROM followed",
}
"""Release → its units."""
