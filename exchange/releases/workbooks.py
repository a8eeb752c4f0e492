"""The spreadsheet of an edition, made when it is first asked for, and kept in this process's memory while it is asked for.

It is no file of the edition: the signed statement lists what people checked, and a spreadsheet is those same files in another dress, whose bytes
hang on a library's version as well. Its digest is told with every answer, and stands in the log with every download.
"""

from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from zoneinfo import ZoneInfo

from agreements.model import Agreement
from agreements.periods import PeriodKind
from agreements.release import Release
from exchange.errors import TooLarge
from exchange.releases import opened, spreadsheet
from exchange.releases.opened import Opened
from exchange.releases.tables import EditionRow
from exchange.times import rfc3339

LONDON = ZoneInfo("Europe/London")
_KEPT = 4
_EVERY: Mapping[PeriodKind | None, str] = {
    PeriodKind.MONTH: "One each month, once its data are complete.",
    PeriodKind.QUARTER: "One each quarter, once its data are complete.",
    PeriodKind.YEAR: "One each year, once its data are complete.",
    None: "No day is fixed: an edition is made when it is asked for.",
}
_one_at_a_time = Lock()


def workbook(row: EditionRow, agreement: Agreement) -> bytes:
    """The spreadsheet of a published edition.

    Raises:
        TooLarge: it would hold more cells than anybody can open in reasonable time.
    """
    with _one_at_a_time:  # each takes memory, and two of one edition would be made for nothing
        return _made(_Key(row, agreement))


class _Key:
    """An edition, known by its id and its signed words: a withdrawal or a reason told later makes another."""

    def __init__(self, row: EditionRow, agreement: Agreement) -> None:
        self.row, self.agreement = row, agreement
        self._known = (row.id, row.draft_digest, agreement.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._known == other._known

    def __hash__(self) -> int:
        return hash(self._known)


@lru_cache(maxsize=_KEPT)
def _made(key: _Key) -> bytes:
    tables = opened.open_tables(key.row)
    if (many := spreadsheet.cells(tables)) > spreadsheet.MOST:
        raise TooLarge(
            f"a spreadsheet of this edition would have {many:,} cells; the most is {spreadsheet.MOST:,}.",
            remedy="Take its tables one by one, as CSV or Parquet.",
            code="too-large-for-spreadsheet",
        )
    release = key.agreement.release(key.row.release)
    if release is None:
        raise ValueError("the edition's agreement does not name its release")
    order = {table.name: tables[table.name] for table in release.tables if table.name in tables}
    return spreadsheet.spreadsheet(_cover(key.row, key.agreement, release, order), order)


def _cover(row: EditionRow, agreement: Agreement, release: Release, tables: Mapping[str, Opened]) -> spreadsheet.Cover:
    published = row.published_at or row.requested_at
    operator = agreement.operator
    periods = row.first_period if row.first_period == row.last_period else f"{row.first_period} to {row.last_period}"
    facts = (
        ("Periods", periods),
        ("Next edition", _EVERY[release.cadence]),
        ("Version", f"Edition {row.id}, published {rfc3339(published)}, under {agreement.reference} version {agreement.version}."),
        *((("Status", status.capitalize()),) if (status := str(row.draft.get("status", ""))) else ()),
        *((("Revision", f"Revises {row.revises}. {row.reason or ''}".strip()),) if row.revises else ()),
        *((("Passing on", said.words),) if (said := agreement.items.get("onward_sharing")) else ()),
    )
    disclosure = dict.fromkeys(str(one.told["disclosure"]) for one in tables.values())
    return spreadsheet.Cover(
        title=f"{release.title}: {periods}",
        summary=release.question,
        author=operator.name,
        contact=operator.contact,
        published=published.astimezone(LONDON),
        facts=facts,
        notes=(*disclosure, *release.caveats),
    )


def file_name(row: EditionRow, name: str) -> str:
    """What a downloaded file is to be called: lower case with dashes, whose it is and of when. ``name``: of the file in its edition."""
    stem = f"{row.reference}-{row.release}-{row.first_period}" + (f"-to-{row.last_period}" if row.last_period != row.first_period else "")
    ending = name if name != spreadsheet.NAME else ".xlsx"
    return f"{stem}{'' if ending.startswith('.') else '-'}{ending}".lower().replace("_", "-")
