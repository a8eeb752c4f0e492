"""Published editions beside what was delivered: every shown cell and every headline must be what follows from the very files that the agencies pushed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from demo.partnership.cast import Extract
from demo.partnership.reread.tables import Reread
from demo.partnership.truth_compared import Against, Edition, against, columns_of, release_of, worked_out
from demo.partnership.truth_plan import figure, headlines


@dataclass(frozen=True)
class Cells:
    """One column of one published table: how many cells there are, how many are shown, and how many of these are what was delivered."""

    release: str
    table: str
    column: str
    cells: int
    shown: int
    delivered: Against

    @property
    def equal(self) -> bool:
        """Whether every shown cell is."""
        return self.delivered.equal == self.shown


@dataclass(frozen=True)
class Beside:
    """All editions: their cells in the order of the editions; and measure → (headline as published, None where it is hidden; as it was delivered)."""

    cells: Sequence[Cells]
    headlines: Mapping[str, tuple[Decimal | None, Decimal | None]]

    @property
    def unequal(self) -> list[str]:
        """What is not as it was delivered, in words; empty where everything is."""
        tables = [
            f"{one.release}, {one.table}, {one.column}: {one.shown - one.delivered.equal} of {one.shown} cells"
            for one in self.cells
            if not one.equal
        ]
        return tables + [
            f"{measure}: {ours}, not {theirs}" for measure, (ours, theirs) in self.headlines.items() if ours not in {None, theirs}
        ]


def beside(extracts: Sequence[Extract], editions: Sequence[Edition]) -> Beside:
    """Read what was pushed once more, and hold every edition against it."""
    cells: list[Cells] = []
    told: dict[str, tuple[Decimal | None, Decimal | None]] = {}
    for paper in {edition.paper.reference: edition.paper for edition in editions}.values():
        mine = {edition.release: edition for edition in editions if edition.paper.reference == paper.reference}
        with Reread(paper, extracts) as reread:
            for edition in mine.values():
                cells.extend(_cells(edition, reread))
            for measure, headline in headlines(paper, mine):
                told[measure["id"]] = (figure(headline, mine, None), figure(headline, mine, reread.set_out))
    return Beside(cells, told)


def _cells(edition: Edition, reread: Reread) -> Iterator[Cells]:
    engine, release = reread.set_out(edition), release_of(edition)
    for table in release["tables"]:
        for column, published in columns_of(edition, table).items():
            shown = {cell: value for cell, value in published.items() if value is not None}
            yield Cells(
                release["name"],
                table["name"],
                column,
                len(published),
                len(shown),
                against(shown, worked_out(engine, table["dimensions"], column)),
            )
