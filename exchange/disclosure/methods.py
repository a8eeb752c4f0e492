"""One way to call every method of protection, so that their results can be compared and chosen by name."""

from exchange.disclosure.altered import Treated, in_units
from exchange.disclosure.certificate import check_certificate
from exchange.disclosure.controlled import controlled
from exchange.disclosure.errors import BadTables
from exchange.disclosure.perturb import Noise, perturbed
from exchange.disclosure.protect import protect
from exchange.disclosure.rounding import rounded
from exchange.disclosure.spec import Files, Need
from exchange.disclosure.table import TableSet, read_table_set
from exchange.disclosure.tenfive import ten_five

NAMES = ("suppress", "rounding", "controlled", "ten-five", "cell-key")
"""Every method by the name it has in commands, agreements and method.json."""


def suppressed(tables: TableSet, need: Need) -> Treated:
    """Complementary suppression as `protect` does it. The certificate is among the files."""
    found = protect(tables, need)
    hidden = found.hidden & ~tables.virtual
    lost = in_units(int(tables.value[hidden].sum()), 10**tables.decimals)
    contents = {name: content for name, content in found.files().items() if name != "report.json"}
    count = int(hidden.sum())
    report = {**found.report, "cells_hidden": count, "value_lost": lost, "largest_error": 0}
    return Treated("suppress", contents, report, count, lost, 0, insiders=found.insiders)


def apply(name: str, files: Files, need: Need | None = None, *, base: int | None = None, noise: Noise | None = None) -> Treated:
    """Protect a table set by the method `name`; None for `need` is the level that spec.json asks for, for `base` the smallest that protects.

    What comes back has passed the protecting side's own check; whoever publishes it runs the attack on it too.
    Raises BadTables for input that cannot be used so, Unprotectable where the method cannot give what is asked.
    """
    if name not in NAMES:
        raise BadTables(f"no such method; there are {', '.join(NAMES)}")
    if base is not None and name not in {"rounding", "controlled"}:
        raise BadTables(f"{name} takes no base: leave it out")
    if noise is not None and name != "cell-key":
        raise BadTables(f"{name} takes no noise: leave bound, variance and none out")
    tables = read_table_set(files)
    need = need or tables.default_need()
    if name == "cell-key":
        return perturbed(tables, need, files, noise or Noise())
    if name == "suppress":
        found = suppressed(tables, need)
        check_certificate(files, found.contents, need)
        return found
    return ten_five(tables, need) if name == "ten-five" else (rounded if name == "rounding" else controlled)(tables, need, base)
