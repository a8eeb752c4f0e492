"""Who is silent and what is late, for ``exchange status``; and the same as figures for whoever watches over the hub."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.submissions import attendance

_METRICS = (
    ("lcjp_exchange_overdue_periods", "Periods of a supplier's dataset that are past their day."),
    ("lcjp_exchange_silent_clients", "Whether a supplier's client has been silent for longer than three days (1) or not (0)."),
)


def found(session: Session, now: datetime) -> dict[str, Any]:
    """What is late and who is silent, as JSON."""
    late, quiet = attendance.overdue(session, now), attendance.silent(session, now)
    return {
        "late": [
            {
                "reference": one.reference,
                "dataset": one.dataset,
                "supplier": one.supplier,
                "period": one.period,
                "due": one.due.isoformat(),
                "days": one.days,
                "words": one.words,
            }
            for one in late
        ],
        "silent": [{"supplier": one.supplier, "words": one.words} for one in quiet],
    }


def lines(standing: dict[str, Any]) -> list[str]:
    """The same for people."""
    return [f"late: {one['words']}" for one in standing["late"]] + [f"silent: {one['words']}" for one in standing["silent"]]


def metrics(session: Session, now: datetime) -> str:
    """The figures in Prometheus' text format (version 0.0.4), for a collector that reads files: ids of agreements and suppliers, and counts."""
    owed = attendance.series(session, now)
    quiet = {one.supplier for one in attendance.silent(session, now)}
    (overdue, words), (silent, more) = _METRICS
    told = [f"# HELP {overdue} {words}", f"# TYPE {overdue} gauge"]
    for one in owed:
        late = len(attendance.late(session, [one], today(now)))
        told.append(f'{overdue}{{reference="{one.reference}",dataset="{one.dataset.name}",supplier="{one.supplier}"}} {late}')
    told += [f"# HELP {silent} {more}", f"# TYPE {silent} gauge"]
    told += [f'{silent}{{supplier="{name}"}} {int(name in quiet)}' for name in sorted({one.supplier for one in owed} | quiet)]
    return "\n".join(told) + "\n"
