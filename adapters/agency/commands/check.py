"""``exchange-agency check``: exactly what would leave, field by field. Nothing is sealed and nothing is sent."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from adapters.agency.agreements_store import Verified
from adapters.agency.commands.common import Context, common, period
from adapters.agency.commands.sheet import field_lines, wrapped
from adapters.agency.contract import utc_now
from adapters.agency.prepare import means, minimised, pseudonym_fields, refuse_breaches
from adapters.agency.run import Run, refusal
from adapters.agency.samples import Sample, before_and_after
from adapters.agency.session import Agency
from adapters.doubts import Doubts
from adapters.errors import NotThisEncoding
from adapters.registry import find
from adapters.source import Source, wanted_fields
from agreements.codes import CodeList
from agreements.columns import Breaches, merge
from agreements.decisions import Refused
from agreements.model import Dataset
from agreements.periods import Period
from agreements.rules import UNKNOWN, may_submit


@dataclass
class Findings:
    """What one reading of an extract found: rows, empties a field, faults, doubts, and the columns it never looked at.

    ``parts``: columns that are read only to make a derived field of them, and do not leave themselves.
    """

    rows: int = 0
    empty: dict[str, int] = field(default_factory=dict)
    breaches: Breaches = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)
    unread: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)


@click.command()
@click.argument("dataset")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--period", "period_name", required=True, help="The period of FILE: YYYY, YYYY-Qn, YYYY-MM or YYYY-MM-DD.")
@click.option("--agreement", "reference", default="", help="Only the agreement of this reference.")
@click.option("--offline", is_flag=True, help="Ask nothing of the hub: use the agreements verified here before.")
@common
def check(context: Context, dataset: str, file: Path, period_name: str, reference: str, offline: bool) -> int:  # noqa: FBT001
    """Show what would leave of an extract, and what would stop it; send nothing"""
    agency, when = context.agency(), period(period_name)
    named = [one for one in _agreements(agency, reference, offline=offline) if one.agreement.dataset(dataset)]
    if not named:
        raise refusal(UNKNOWN)
    lists, shown = agency.code_lists(), []
    for verified in named:
        chosen = verified.agreement.dataset(dataset)
        if chosen is None:
            continue
        decision = may_submit(verified.standing, agency.settings.party, dataset, when, str(chosen.mode), utc_now())
        if isinstance(decision, Refused):
            raise refusal(decision)
        source = find(chosen.adapter)
        findings = read(source, file, verified, chosen, when, lists)
        samples = before_and_after(source, chosen, lists)
        shown.append(_document(verified, chosen, findings, samples))
        _print(context, verified, chosen, findings, samples)
        refuse_breaches(findings.breaches, file.name, verified.agreement.clause(f"dataset {dataset}"))
    context.console.result(agreements=shown)
    return 0


def _agreements(agency: Agency, reference: str, *, offline: bool) -> list[Verified]:
    if offline:
        return [one for one in agency.store.all() if reference in ("", one.agreement.reference)]
    return Run(agency, agency.client()).verified(reference)


def read(source: Source, file: Path, verified: Verified, dataset: Dataset, when: Period, lists: Mapping[str, CodeList]) -> Findings:
    """Read an extract as push would, and count."""
    source.require(dataset, verified.agreement.clause(f"dataset {dataset.name}"))
    for encoding in source.encodings:
        try:
            return _read(source, file, dataset, when, lists, encoding)
        except NotThisEncoding:
            if encoding == source.encodings[-1]:
                raise
    return Findings()


def _read(source: Source, file: Path, dataset: Dataset, when: Period, lists: Mapping[str, CodeList], encoding: str) -> Findings:
    wanted = wanted_fields(dataset)
    # The pseudonyms made here are thrown away: whether an identifier has the form of its kind does not depend on the secret.
    throwaway = means("CHECK", 1, bytes(32), lists, set(pseudonym_fields(dataset).values()))
    found = Findings(empty=dict.fromkeys(dataset.schema.names, 0))
    for batch in source.extract(file, wanted, encoding=encoding, doubts=found.doubts):
        kept, breaches = minimised(batch, dataset, throwaway, when, found.rows)
        merge(found.breaches, breaches)
        found.rows += batch.num_rows
        if kept is not None:
            for name in found.empty:
                found.empty[name] += kept.column(name).null_count
    found.unread = source.unread(file, wanted, encoding=encoding)
    read_only = source.needed(wanted) - wanted
    found.parts = [header for header, column in source.columns.items() if column.name in read_only]
    return found


def _print(context: Context, verified: Verified, dataset: Dataset, found: Findings, samples: Mapping[str, Sample]) -> None:
    line, width = context.console.line, shutil.get_terminal_size().columns
    line(f"{verified.agreement.clause(f'dataset {dataset.name}')}: {dataset.title}")
    line(f"{found.rows:,} rows. What would leave of each, on invented values:")
    for one in dataset.fields:
        for text in field_lines(one, samples[one.name], found.empty[one.name], found.rows, width):
            line(text)
    line("")
    for doubt in found.doubts.lines():
        line(wrapped(f"Doubtful, and accepted: {doubt}", width))
    if found.parts:
        line(wrapped(f"Read only to make other fields, and not sent: {', '.join(found.parts)}.", width))
    line(wrapped(f"Never read past the header: {', '.join(found.unread) or 'no column'}.", width))
    line("Nothing was sent.")


def _document(verified: Verified, dataset: Dataset, found: Findings, samples: Mapping[str, Sample]) -> dict[str, Any]:
    fields = [
        {
            "field": one.name,
            "source": one.source,
            "columns": list(samples[one.name].columns),
            "rule": one.rule.describe(),
            "invented": samples[one.name].document(),
            "empty": found.empty[one.name],
        }
        for one in dataset.fields
    ]
    agreement = verified.agreement
    head = {"reference": agreement.reference, "version": agreement.version, "dataset": dataset.name, "rows": found.rows}
    doubts = [{"column": column, "what": what, "count": count} for column, what, count in found.doubts.items()]
    return {**head, "fields": fields, "doubts": doubts, "read_only": found.parts, "unread": found.unread}
