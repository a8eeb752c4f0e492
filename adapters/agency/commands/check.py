"""``exchange-agency check``: exactly what would leave, field by field. Nothing is sealed and nothing is sent."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from adapters.agency.commands.common import Context, common, period
from adapters.agency.commands.sheet import field_lines, wrapped
from adapters.agency.contract import utc_now
from adapters.agency.prepare import means, minimised, pseudonym_fields, refuse_breaches
from adapters.agency.run import Run, refusal
from adapters.agency.samples import Sample, before_and_after
from adapters.agency.session import Agency
from adapters.agency.settings import FILE, load
from adapters.doubts import Doubts
from adapters.errors import ConfigError, NotThisEncoding, UsageError
from adapters.registry import find
from adapters.source import Source, wanted_fields
from agreements.codes import CodeList
from agreements.columns import Breaches, merge
from agreements.decisions import Decision, Refused
from agreements.document import read_draft
from agreements.errors import InvalidDocument
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.rules import UNKNOWN, decided, may_submit, scope

_UNSIGNED = "a draft that nobody signed. No signature was looked for, and nothing can be sent under it."


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
@click.option("--draft", type=click.Path(path_type=Path), metavar="TOML", help="Under a draft's words alone: no hub, no keys, no settings.")
@common
def check(context: Context, *, dataset: str, file: Path, period_name: str, reference: str, offline: bool, draft: Path | None) -> int:
    """Show what would leave of an extract, and what would stop it; send nothing"""
    when = period(period_name)
    if draft and reference:
        raise UsageError("--draft names the words, and --agreement other ones.", remedy="Leave one of them out.")
    if draft:
        agency, asked = _without_settings(context), [_drafted(draft, dataset, when)]
        context.console.line(wrapped(f"{draft}: {_UNSIGNED}", shutil.get_terminal_size().columns))
    else:
        agency = context.agency()
        asked = _kept(agency, reference, dataset, when, offline=offline)
    lists, shown = agency.code_lists(), []
    for agreement, decision in asked:
        chosen = agreement.dataset(dataset)
        if chosen is None or isinstance(decision, Refused):
            raise refusal(decision if isinstance(decision, Refused) else UNKNOWN)
        source = find(chosen.adapter)
        findings = read(source, file, agreement, chosen, when, lists)
        samples = before_and_after(source, chosen, lists)
        shown.append(_document(agreement, chosen, findings, samples) | ({"draft": True} if draft else {}))
        _print(context, agreement, chosen, findings, samples)
        refuse_breaches(findings.breaches, file.name, agreement.clause(f"dataset {dataset}"))
    context.console.result(agreements=shown)
    return 0


Asked = tuple[Agreement, Decision]  # an agreement's words, and whether the dataset may be sent under them for the period


def _kept(agency: Agency, reference: str, dataset: str, when: Period, *, offline: bool) -> list[Asked]:
    """The agreements in force, as far as is known, that name the dataset."""
    found = Run(agency, agency.client()).verified(reference) if not offline else agency.store.all()
    asked: list[Asked] = []
    for one in found:
        named = one.agreement.dataset(dataset)
        if named is not None and reference in ("", one.agreement.reference):
            allowed = may_submit(one.standing, agency.settings.party, dataset, when, str(named.mode), utc_now())
            asked.append((one.agreement, allowed))
    if not asked:
        raise refusal(UNKNOWN)
    return asked


def _drafted(path: Path, dataset: str, when: Period) -> Asked:
    """The words of a draft, as any of the dataset's suppliers would send under them: where it stands is not asked."""
    try:
        words = read_draft(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file.", remedy="Name the draft's TOML document.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is not UTF-8 text.", remedy="Name the draft's TOML document.") from None
    except InvalidDocument as error:
        raise ConfigError(
            f"{path}: no agreement can be read from it.", why="; ".join(error.problems), remedy="Correct the draft."
        ) from None
    named = words.dataset(dataset)
    supplier, mode = (named.suppliers[0], str(named.mode)) if named else ("", "")
    return words, decided(scope(words, supplier, dataset, when, mode, utc_now()))


def _without_settings(context: Context) -> Agency:
    """The agency of the state folder, for its code lists; where nothing is set, one that has those of this installation."""
    if (context.home / FILE).is_file():
        return context.agency()
    return Agency(load(context.home, context.flags, written={"party": "nobody", "hub": "https://hub.invalid"}))


def read(source: Source, file: Path, agreement: Agreement, dataset: Dataset, when: Period, lists: Mapping[str, CodeList]) -> Findings:
    """Read an extract as push would, and count."""
    source.require(dataset, agreement.clause(f"dataset {dataset.name}"))
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


def _print(context: Context, agreement: Agreement, dataset: Dataset, found: Findings, samples: Mapping[str, Sample]) -> None:
    line, width = context.console.line, shutil.get_terminal_size().columns
    line(f"{agreement.clause(f'dataset {dataset.name}')}: {dataset.title}")
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


def _document(agreement: Agreement, dataset: Dataset, found: Findings, samples: Mapping[str, Sample]) -> dict[str, Any]:
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
    head = {"reference": agreement.reference, "version": agreement.version, "dataset": dataset.name, "rows": found.rows}
    doubts = [{"column": column, "what": what, "count": count} for column, what, count in found.doubts.items()]
    return {**head, "fields": fields, "doubts": doubts, "read_only": found.parts, "unread": found.unread}
