"""What an extract leaves doubtful and is accepted all the same: counted by column, told to the agency alone, never a value."""

from dataclasses import dataclass, field


@dataclass
class Doubts:
    """Counts of doubtful values of one reading of an extract."""

    _counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, column: str, what: str, count: int) -> None:
        """Count further values of a column. ``what``: such as “not a PNC id, counted as missing”."""
        if count:
            self._counts[column, what] = self._counts.get((column, what), 0) + count

    def items(self) -> list[tuple[str, str, int]]:
        """(column, what, how many), in the order in which they were first met."""
        return [(column, what, count) for (column, what), count in self._counts.items()]

    def lines(self) -> list[str]:
        """One sentence a doubt."""
        return [f"{column}: {what} ({count:,} value{'' if count == 1 else 's'})." for column, what, count in self.items()]
