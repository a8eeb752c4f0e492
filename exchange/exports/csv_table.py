"""CSV that a spreadsheet reads as text and never as a formula (RFC 4180, UTF-8, lines end in CRLF).

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab, a line end or NUL (blanks before it aside) gets an apostrophe in front: it is
read as text, and whoever reads it by program takes one leading apostrophe off where one of these follows. NUL itself is left out.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

# Signs that begin a formula after any blanks, in full width too; a tab or line end that comes first.
_ACTS = re.compile(r"\s*[=+\-@＝＋－＠]|[^\S\t\r\n]*[\t\r\n]")


def inert(cell: str) -> str:
    """The cell as no spreadsheet will run it."""
    text = cell.replace("\0", "")
    return f"'{text}" if _ACTS.match(text) or cell.startswith("\0") else text


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """A heading row and one row a mapping; every mapping has exactly these columns."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([inert(name) for name in columns])
    for row in rows:
        if set(row) != set(columns):
            raise ValueError("a row has exactly the columns of its table.")
        writer.writerow([inert(row[name]) for name in columns])
    return out.getvalue()
