"""The event ledger as DuckDB views: what truly happened, in the words of the agreements, about true people, cases and crimes. No hub, no pseudonym.

Either as it was delivered (events whose records stand in an extract, as often as they stand there) or as it was (every event of the months, once).
What agencies cannot know on the day they read their systems (``read``) is unknown in both.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from adapters.synthesis.crimes import CODES
from adapters.synthesis.street import LABELS, OPEN
from demo.cast import ROOT
from demo.partnership.cast import Extract, Paper, Stage

Connection = duckdb.DuckDBPyConnection
_LISTS = ROOT / "config" / "codes"
_FORCES = "['cleveland-police', 'durham-constabulary']"
_COURTS = (
    "['Teesside Magistrates'' Court', 'Newton Aycliffe Magistrates'' Court', 'Peterlee Magistrates'' Court', 'Darlington Magistrates'' Court', "
    "'Teesside Crown Court', 'Durham Crown Court']"
)
# What happened in the months and stands in no extract yet, since the record was entered late: dataset, supplier, events, their day.
_LATE = (
    ("cps_completed", "'cps-north-east'", "prosecutions", "completion_day"),
    ("trials", "'hmcts'", "defendant_listings", "day"),
    ("witness_days", "'witness-care-units'", "witness_days", "day"),
    ("victims", f"{_FORCES}[(SELECT force FROM crimes WHERE crimes.event = happened.crime) + 1]", "victims", "day"),
    ("charges", f"{_FORCES}[(SELECT force FROM episodes WHERE episodes.event = happened.episode) + 1]", "offences", "charge_day"),
    ("yos_interventions", "''", "youth", "day"),
)


def opened(stage: Stage, extracts: Sequence[Extract], papers: Sequence[Paper], *, delivered: bool) -> Connection:
    """A connection in which every dataset of the agreements is a view of the same name."""
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    for path in sorted(stage.ledger.glob("*.parquet")):
        engine.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM read_parquet('{path}')".replace(" VIEW people ", " VIEW person_of "))
    _told(engine, stage, extracts, delivered=delivered)
    say = _Words(papers)
    for statement in (*_HELPERS, *_courts(say), *_people(say), *_victims(say)):
        engine.execute(statement)
    return engine


def _told(engine: Connection, stage: Stage, extracts: Sequence[Extract], *, delivered: bool) -> None:
    """Table ``told``: dataset, supplier, month, event, person. Which records count."""
    head = json.loads((stage.data / "manifest.json").read_text(encoding="utf-8"))
    engine.execute(f"SET VARIABLE read = DATE '{head['read']}'")
    engine.execute(f"SET VARIABLE delivered = {delivered}")
    engine.execute(f"SET VARIABLE begun = DATE '{head['from']}-01'")
    engine.execute(f"SET VARIABLE ended = last_day(DATE '{head['to']}-01')")
    engine.execute("CREATE TABLE extract_of (number INTEGER, dataset VARCHAR, supplier VARCHAR, month DATE)")
    engine.executemany("INSERT INTO extract_of VALUES (?, ?, ?, ?)", _lines(extracts))
    once = "" if delivered else "WHERE NOT repeated"
    engine.execute(
        "CREATE TABLE told AS SELECT dataset, supplier, month, event, person FROM rows JOIN extract_of ON rows.extract = extract_of.number "
        + once
    )
    if delivered:
        return
    for dataset, supplier, table, day in _LATE:
        engine.execute(
            f"INSERT INTO told SELECT '{dataset}', {supplier}, date_trunc('month', {day}), event, NULL FROM {table} AS happened "
            f"WHERE {day} BETWEEN getvariable('begun') AND getvariable('ended') "
            f"AND event NOT IN (SELECT event FROM told WHERE dataset = '{dataset}') AND EXISTS (SELECT 1 FROM told WHERE dataset = '{dataset}')"
        )


def _lines(extracts: Sequence[Extract]) -> list[tuple[int, str, str, str]]:
    found = {(one.number, one.dataset, one.supplier, f"{one.period}-01") for one in extracts}
    return sorted(found)


class _Words:
    """The words of the agreements for codes of the sources, as SQL over a code."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        datasets = {one["name"]: one for paper in papers for one in paper.document["datasets"]}
        self._rules = {(name, field["name"]): field["rule"] for name, one in datasets.items() for field in one["fields"]}
        for paper in papers:
            for one in paper.document["datasets"]:
                self._rules |= {(one["name"], field["name"]): field["rule"] for field in one["fields"]}

    def __call__(self, dataset: str, field: str, code: str) -> str:
        """SQL of the word for a code; of no code, the word for that."""
        rule = self._rules.get((dataset, field))
        if rule is None:
            return "NULL"
        told: Mapping[str, Any] = rule.get("map") or rule.get("generalise")
        pairs = told["codes"] if "codes" in told else self._listed(told)
        word = f"coalesce({_mapped(pairs, code)}, {_text(told['otherwise']) if 'otherwise' in told else 'NULL'})"
        blank = _text(told["blank"]) if "blank" in told else "NULL"
        return f"CASE WHEN coalesce({code}, '') = '' THEN {blank} ELSE {word} END"

    @staticmethod
    def _listed(told: Mapping[str, Any]) -> dict[str, str]:
        with duckdb.connect() as engine:
            listed = engine.execute(
                f"SELECT code, value FROM read_csv('{_LISTS / (told['list'] + '.csv')}', all_varchar = true)"
            ).fetchall()
        return {code: value for code, value in listed if value in told["values"]}


def _mapped(words: Mapping[str, str], code: str) -> str:
    """SQL of the word for a code; null where there is none."""
    keys, values = (", ".join(_text(one) for one in some) for some in (words.keys(), words.values()))
    return f"map([{keys}], [{values}])[{code}]"


def _text(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


_HELPERS = (
    f"CREATE TABLE kind_of AS SELECT * FROM (VALUES {', '.join(f'({place}, {_text(code)})' for place, code in enumerate(CODES))}) AS kinds(kind, code)",
    f"CREATE TABLE area_of AS SELECT row_number() OVER () - 1 AS area, value AS authority FROM read_csv('{_LISTS}/lsoa_authority.csv', all_varchar = true)",
    "CREATE MACRO years(birth, day) AS (year(day) - year(birth) - CASE WHEN (month(day), day(day)) < (month(birth), day(birth)) THEN 1 ELSE 0 END)",
    "CREATE MACRO known(day) AS (CASE WHEN day <= getvariable('read') THEN day END)",
)


def _courts(say: _Words) -> list[str]:
    """Trials, prosecutions, witnesses, legal aid."""
    return [
        f"""CREATE VIEW trial AS SELECT told.supplier, told.month, l."case", {_COURTS}[l.court + 1] AS court, d.day AS listed_date, l.event AS listing,
            CASE WHEN d.further OR NOT l.said THEN NULL ELSE ['Effective', 'Cracked', 'Ineffective', 'Vacated'][l."end" + 1] END AS effectiveness,
            {say("trials", "reason", "l.reason")} AS reason, l.video AS video_link
            FROM told JOIN defendant_listings d USING (event) JOIN listings l ON l.event = d.listing WHERE told.dataset = 'trials'""",
        *(
            f"""CREATE VIEW {view} AS SELECT told.month, e."case", e.person, ['Cleveland', 'Durham'][e.force + 1] AS area, e.event AS episode,
            {say(dataset, "court_type", "p.court")} AS court_type, {heard} AS first_hearing_date, p.completion_day AS completion_date,
            {say(dataset, "outcome", "p.outcome")} AS outcome, {say(dataset, "plea_stage", "p.plea")} AS plea_stage,
            {say(dataset, "reason", "p.reason")} AS reason, last_day(told.month) AS snapshot_date, p.event AS prosecution
            FROM told JOIN prosecutions p USING (event) JOIN episodes e ON e.event = p.episode WHERE told.dataset = '{dataset}'"""
            for view, dataset, heard in (
                ("completed", "cps_completed", "e.hearing_day"),
                ("still_open", "cps_open", "CASE WHEN e.hearing_day <= last_day(told.month) THEN e.hearing_day END"),
            )
        ),
        f"""CREATE VIEW required AS SELECT told.month, w."case", w.person, w.victim, w.event,
            {say("witness_days", "attendance", "w.attendance")} AS attendance,
            {say("witness_days", "special_measures", "w.special_measures")} AS special_measures,
            {say("witness_days", "video_link", "w.video_link")} AS video_link
            FROM told JOIN witness_days w USING (event) WHERE told.dataset = 'witness_days'""",
        f"""CREATE VIEW asked AS SELECT told.month, {say("witness_answers", "would_attend_again", "a.answer")} AS again
            FROM told JOIN after_court a USING (event) WHERE told.dataset = 'witness_answers'""",
        f"""CREATE VIEW claim AS SELECT told.month, CASE WHEN c.case_known THEN e."case" END AS "case", c.amount,
            {say("legal_aid_claims", "stage", "c.stage")} AS stage, c.tried
            FROM told JOIN claims c USING (event) JOIN episodes e ON e.event = c.episode WHERE told.dataset = 'legal_aid_claims'""",
    ]


def _people(say: _Words) -> list[str]:
    """Charges and cautions, prison, probation, youth justice, integrated offender management, health."""
    needs = "['accommodation', 'employment', 'relationships', 'lifestyle', 'drugs', 'alcohol', 'thinking', 'attitudes']"
    flags = ", ".join(
        f"CASE WHEN o.assessed_day <= last_day(told.month) THEN CASE WHEN o.needs_{place} THEN 'Flagged' ELSE 'Not flagged' END "
        f"ELSE 'Without assessment' END AS need_{name}"
        for place, name in enumerate(needs.strip("[]").replace("'", "").split(", "), 1)
    )
    return [
        f"""CREATE VIEW charge AS SELECT told.supplier, told.month, e.person, nullif(o.crime, -1) AS crime, nullif(e."case", -1) AS "case", e.event AS episode,
            o.event, o.recordable, o.breach, o.day AS offence_date, e.charge_day AS charge_date, known(e.disposal_day) AS disposal_date,
            {say("charges", "disposal", "CASE WHEN known(e.disposal_day) IS NULL THEN '' ELSE e.disposal END")} AS disposal,
            {say("charges", "sentence", "CASE WHEN known(e.disposal_day) IS NULL THEN '' ELSE e.sentence END")} AS sentence,
            {say("charges", "offence_group", "kind_of.code")} AS offence_group,
            years(p.birth_day, e.charge_day) AS age, CASE WHEN p.female THEN 'Female' ELSE 'Male' END AS sex
            FROM told JOIN offences o USING (event) JOIN episodes e ON e.event = o.episode JOIN person_of p ON p.person = e.person
            JOIN kind_of ON kind_of.kind = o.kind WHERE told.dataset = 'charges'""",
        f"""CREATE VIEW movement AS SELECT told.month, s.person, s.event AS spell, told.event >= size.spells AS released, s.prison AS code,
            {say("prison_movements", "establishment", "s.prison")} AS prison,
            CASE WHEN told.event >= size.spells THEN 'Release' ELSE 'Reception' END AS movement,
            CASE WHEN told.event >= size.spells THEN s.release_day ELSE s.reception_day END AS day,
            CASE WHEN s.sentence_day <= (CASE WHEN told.event >= size.spells THEN s.release_day ELSE s.reception_day END) AND s.band <> ''
                THEN 'Sentenced' ELSE 'Not sentenced' END AS custody,
            {say("prison_movements", "accommodation", "CASE WHEN told.event >= size.spells THEN s.home ELSE '' END")} AS accommodation,
            {say("prison_movements", "employment", "CASE WHEN told.event >= size.spells THEN s.work ELSE '' END")} AS employment
            FROM told, (SELECT count(*) AS spells FROM spells) AS size, spells s
            WHERE told.dataset = 'prison_movements' AND s.event = told.event % size.spells""",
        f"""CREATE VIEW held AS SELECT told.month, {say("prison_population", "establishment", "s.prison")} AS prison,
            CASE WHEN s.sentence_day <= last_day(told.month) AND s.band <> '' THEN 'Sentenced' ELSE 'Not sentenced' END AS custody
            FROM told JOIN spells s USING (event) WHERE told.dataset = 'prison_population'""",
        *(
            f"""CREATE VIEW {view} AS SELECT told.month, o.person, o.event, o.start_day, last_day(told.month) AS snapshot_date, {flags}
            FROM told JOIN orders o USING (event) WHERE told.dataset = '{dataset}'"""
            for view, dataset in (("nps", "nps_caseload"), ("crc", "crc_caseload"))
        ),
        f"""CREATE VIEW young AS SELECT told.supplier, told.month, y.person, y.day, y.first, y.event,
            {say("yos_interventions", "intervention", "y.kind")} AS intervention, years(p.birth_day, y.day) AS age,
            CASE WHEN y.placed THEN area_of.authority ELSE 'Not known' END AS authority
            FROM told JOIN youth y USING (event) JOIN person_of p ON p.person = y.person
            JOIN area_of ON area_of.area = CASE WHEN p.moved_day <= y.day THEN p.later_area ELSE p.area END WHERE told.dataset = 'yos_interventions'""",
        f"""CREATE VIEW ecins AS SELECT told.month, m.person, m.event, last_day(told.month) AS snapshot_date, m.iom_start_day,
            CASE WHEN m.iom_end_day <= last_day(told.month) THEN m.iom_end_day END AS iom_end_day,
            {say("ecins_cases", "accommodation", "m.home")} AS accommodation, {say("ecins_cases", "employment", "m.work")} AS employment
            FROM told JOIN managed m USING (event) WHERE told.dataset = 'ecins_cases'""",
        """CREATE VIEW referral AS SELECT told.month, told.supplier AS service, r.person, r.engaged
            FROM told JOIN referrals r USING (event) WHERE told.dataset = 'liaison_referrals'""",
    ]


def _victims(say: _Words) -> list[str]:
    """Victims and what is done for them; crimes as published."""
    scores = ", ".join(f"nullif(a.opening_{n}, 0) AS opening_{name}, CASE WHEN known(a.closed_day) IS NULL THEN NULL ELSE nullif(a.closing_{n}, 0) END AS closing_{name}"
        for n, name in enumerate(("health", "safety", "family", "work", "substances", "money", "outlook", "social"), 1))  # fmt: skip
    label = f"CASE WHEN known(c.outcome_day) IS NULL OR c.outcome = '' THEN '{OPEN}' ELSE {_mapped(LABELS, 'c.outcome')} END"
    return [
        f"""CREATE VIEW victim AS SELECT told.supplier, told.month, v.event, v.crime, c.incident, nullif(v.person, -1) AS person, c.report_day AS report_date,
            CASE WHEN v.person < 0 THEN 'Organisation' ELSE 'Person' END AS victim_kind, v.domestic_abuse, v.sexual_violence, v.hate_crime,
            v.child_sexual_abuse, v.mental_health, years(p.birth_day, c.report_day) AS age, known(c.outcome_day) AS outcome_date,
            {say("victims", "outcome", "CASE WHEN known(c.outcome_day) IS NULL THEN '' ELSE c.outcome END")} AS outcome
            FROM told JOIN victims v USING (event) JOIN crimes c ON c.event = v.crime LEFT JOIN person_of p ON p.person = v.person
            WHERE told.dataset = 'victims'""",
        f"""CREATE VIEW answered AS SELECT told.supplier, told.month, s.excluded, {say("survey", "satisfaction", "s.answer")} AS satisfaction,
            ['Burglary', 'Vehicle crime', 'Violent crime', 'Hate crime', 'Domestic abuse', 'Anti-social behaviour'][s."group" + 1] AS crime_group
            FROM told JOIN survey s USING (event) WHERE told.dataset = 'survey'""",
        f"""CREATE VIEW support AS SELECT told.month, known(a.closed_day) IS NOT NULL AS closed, {scores},
            {say("support_cases", "satisfaction", "CASE WHEN known(a.closed_day) IS NULL THEN '' ELSE a.answer END")} AS satisfaction
            FROM told JOIN assessments a USING (event) WHERE told.dataset = 'support_cases'""",
        """CREATE VIEW offer AS SELECT told.month, v.crime, v.person, v.event AS victim, known(o.accepted_day) IS NOT NULL AS accepted,
            known(o.completed_day) IS NOT NULL AS completed
            FROM told JOIN offers o USING (event) JOIN victims v ON v.event = o.victim WHERE told.dataset = 'rj_offers'""",
        f"""CREATE VIEW published AS SELECT told.supplier, told.month, nullif(s.crime, -1) AS crime, s.type AS crime_type, s.event,
            CASE WHEN s.placed THEN area_of.authority ELSE 'Not known' END AS authority, {say("crimes", "last_outcome", label)} AS last_outcome
            FROM told JOIN street s USING (event) JOIN area_of ON area_of.area = s.area LEFT JOIN crimes c ON c.event = s.crime
            WHERE told.dataset = 'crimes'""",
        f"""CREATE VIEW outcome AS SELECT told.supplier, told.month, o.crime, {say("outcomes", "outcome", "o.label")} AS outcome
            FROM told JOIN outcomes o USING (event) WHERE told.dataset = 'outcomes'""",
    ]
