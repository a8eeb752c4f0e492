"""The shipped agreements, filled with made-up fingerprints, and invented rows that keep to their words."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import pyarrow as pa

from agreements.coarsen import BandEdges, Flag, Generalise, Round
from agreements.document import fill, placeholders, read
from agreements.fields import KeepRange, KeepValues, Map, PseudonymiseRule
from agreements.model import Agreement, Dataset, Field
from agreements.periods import Period
from tests.agreements import papers

PATHS = {path.stem: path for path in sorted((papers.ROOT / "config" / "agreements").glob("*.toml"))}
WORKSTREAMS = ("effectiveness", "reoffending", "victims")

# DOMAIN's sources; national_baseline is public, about nobody, and needs no agreement.
ADAPTERS = [
    "police_crimes",
    "police_outcomes",
    "police_victims",
    "police_charges",
    "victim_survey",
    "cps_cases",
    "hmcts_trials",
    "nps_caseload",
    "crc_caseload",
    "prison_movements",
    "yos_interventions",
    "vcas_cases",
    "witness_care",
    "laa_claims",
    "ecins_cases",
    "liaison_diversion",
    "rj_referrals",
]
PARTIES = [
    "cleveland-police",
    "durham-constabulary",
    "cps-north-east",
    "hmcts",
    "national-probation-service",
    "durham-tees-valley-crc",
    "tees-wear-prisons",
    "durham-county-council",
    "darlington-council",
    "hartlepool-council",
    "middlesbrough-council",
    "redcar-cleveland-council",
    "stockton-council",
    "vcas",
    "witness-care-units",
    "witness-service",
    "legal-aid-agency",
    "nhs-liaison-diversion",
    "drug-alcohol-services",
    "rj-hub",
    "opcc-cleveland",
    "opcvc-durham",
    "lcjp-operator",
]
MEASURES = [
    "ME1",
    "ME2",
    "ME3",
    "ME4",
    "ME5",
    "ME6",
    "ME7",
    "MV1",
    "MV2",
    "MV3",
    "MV4",
    "MV5",
    "MV6",
    "MV8",
    "MR1",
    "MR2",
    "MR3",
    "MR4",
    "MR5",
    "MR6",
    "MR7",
    "MR8",
]


@cache
def text(name: str) -> str:
    template = PATHS[name].read_text(encoding="utf-8")
    return fill(template, {card: papers.fingerprint(card) for card in placeholders(template)})


@cache
def agreement(name: str) -> Agreement:
    return read(text(name))


def rows(dataset: Dataset, period: Period, count: int, chance: random.Random) -> pa.Table:
    """Rows of agreed fields, each value one that its rule may produce, some missing where they may be."""
    columns = []
    for field in dataset.fields:
        value = _values(field, period, count, chance)
        gaps = field.may_be_empty and field.name != dataset.period_field
        found = [None if gaps and chance.random() < 0.2 else value() for _ in range(count)]
        columns.append(pa.array(found, field.arrow_type))
    return pa.Table.from_arrays(columns, schema=dataset.schema)


def _values(field: Field, period: Period, count: int, chance: random.Random) -> Callable[[], Any]:
    def day() -> date:
        return period.start + timedelta(chance.randrange((period.end - period.start).days + 1))

    choices: Sequence[Any] = ()
    match field.rule:
        case PseudonymiseRule(kind):
            # From a small pool, the same in every dataset: keys repeat within a dataset, and meet between two.
            choices = [f"{kind} {number}".encode().ljust(16)[-16:] for number in range(count // 2)]
        case KeepValues(values):
            choices = values
        case KeepRange(int(low), int(high)):
            choices = range(low, high + 1)
        case KeepRange():
            return day
        case Generalise():
            return lambda: day().replace(day=1)
        case Map() as mapped:
            choices = mapped.products
        case BandEdges() as band:
            choices = band.labels
        case Flag():
            choices = (True, False, False)
        case Round(step):
            choices = range(0, 100 * step, step)
    assert choices, f"{field.name}: no way to invent a value of this rule"
    return lambda: chance.choice(choices)
