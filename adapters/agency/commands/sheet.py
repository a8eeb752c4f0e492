"""How a field's way out is set on a terminal: a sheet of 80 columns or more, two columns of words, nothing cut off."""

import textwrap

from adapters.agency.samples import Sample
from agreements.model import Field

_LABEL, _LEAST, _MOST = 14, 60, 160


def wrapped(text: str, width: int, label: str = "") -> str:
    """Text in lines of at most ``width``, from the label's column on. A long word, such as a digest, stays whole."""
    room = min(max(width, _LEAST), _MOST) - 1
    lead = f"  {label:<{_LABEL - 2}}" if label else ""
    return textwrap.fill(
        text, room, initial_indent=lead, subsequent_indent=" " * (_LABEL if label else 2), break_long_words=False, break_on_hyphens=False
    )


def field_lines(one: Field, sample: Sample, empty: int, rows: int, width: int) -> list[str]:
    """One field: its name, the columns it is made from, an invented value before and after its rule, and the rule itself."""
    told = [("from", ", ".join(f"“{header}”" for header in sample.columns))]
    if sample.parts:
        told.append(("invented", "; ".join(f"{name}: {value}" for name, value in sample.parts.items())))
        told.append(("made into", sample.delivered))
    else:
        told.append(("invented", sample.written))
        told += [("read as", sample.delivered)] if sample.delivered != sample.written else []
    told += [("leaves as", sample.after), ("rule", f"It is {one.rule.describe()}."), ("empty in", f"{empty:,} of {rows:,} rows")]
    return ["", one.name, *(wrapped(text, width, label) for label, text in told)]
