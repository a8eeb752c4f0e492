"""CSV on the Web metadata: what stands beside a published CSV so that a program, and the next analyst, know what its columns are.

https://www.w3.org/TR/tabular-metadata/ ; served as ``<table>.csv-metadata.json``.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from agreements.model import Agreement
from agreements.perturbation import spread
from agreements.release import Method, Release, Terms
from agreements.worked_out import Number
from exchange.releases.perturbing import described
from exchange.releases.protected import HIDDEN, LABELS, Shown

MARKERS = {HIDDEN: "confidential: hidden so that nobody can be identified from this table or its totals"}

_LINKED = (
    "People are records linked by equal pseudonyms. What rests on fewer than {threshold} people whom two suppliers have named is hidden, noughts too, with "
    "everything else of its month, and other counts where needed to protect those."
)

_JOINED = (
    "What rests on records of several suppliers is hidden where fewer than {threshold} of the units counted are left to the supplier that knows most of them by itself, noughts too; "
    "other counts from 1 to one less than {threshold}, and others where needed to protect those."
)
_FIGURES = (
    "Sums and means are hidden where fewer than {threshold} units have the value or one or two of them make up too much of it, a median where fewer than twice as many "
    "have it, quartiles where fewer than four times as many, and each where its count is."
)

_PERTURBED = (
    "Every count but nought is perturbed: noise is added to it, the same wherever the same {unit} are counted. A published count differs from the "
    "true one by at most {bound}, with a variance of {variance} (mostly by no more than {spread}), and by nothing on average. Noughts stay noughts; "
    "a count under {smallest} is shown as nought or as {smallest} or more. Totals have noise of their own, and need not be the sums of their parts."
)


def about(release: Release, agreement: Agreement, shown: Shown, facts: Mapping[str, str]) -> dict[str, Any]:
    """What every published form says of a table: whence, what is counted, how, with which warnings. No clock is read."""
    return {
        "agreement": {
            "reference": agreement.reference,
            "version": agreement.version,
            "title": agreement.title,
            "digest": agreement.digest,
        },
        "release": release.name,
        "measure": release.measure,
        "table": shown.table.name,
        "title": shown.table.title,
        "question": release.question,
        "unit": shown.table.unit or release.unit,
        "disclosure": _rule(release),
        **({"perturbation": noise} if (noise := described(release.terms)) else {}),
        "caveats": list(release.caveats),
        "markers": dict(MARKERS),
        **({"edition": dict(sorted(facts.items()))} if facts else {}),
    }


def _rule(release: Release) -> str:
    if release.known_people:
        return _LINKED.format(threshold=release.terms.threshold)
    rule = _JOINED.format(threshold=release.terms.threshold) if release.joined else _disclosure(release.terms, release.unit)
    return f"{rule} {_FIGURES.format(threshold=release.terms.threshold)}" if any(table.show for table in release.tables) else rule


def _disclosure(terms: Terms, unit: str) -> str:
    if terms.method is Method.CELL_KEY:
        told = {"bound": terms.bound, "variance": terms.variance, "smallest": terms.smallest}
        return _PERTURBED.format(unit=unit, spread=spread(terms), **told)
    if terms.method is Method.ROUNDING:
        return f"Every count is rounded to the nearest {terms.base} by itself, so that totals may not be the sums of their parts."
    if terms.method is Method.TEN_FIVE:
        return "Counts under 10 are hidden, noughts and some other counts too; all others are rounded to the nearest 5, each by itself."
    return f"Counts from 1 to {terms.threshold - 1} are hidden, and other counts where needed to protect those."


def csvw(release: Release, agreement: Agreement, shown: Shown, facts: Mapping[str, str]) -> bytes:
    """The metadata document of one table's CSV."""
    told = about(release, agreement, shown, facts)
    document = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": f"{shown.table.name}.csv",
        "dc:title": told["title"],
        "dc:description": f"{release.question} Counts of {told['unit']}. {told['disclosure']}",
        "dc:source": agreement.clause("release", release.name),
        "dialect": {
            "encoding": "utf-8",
            "lineTerminators": ["\n"],
            "header": True,
            "delimiter": ",",
            "quoteChar": '"',
            "doubleQuote": True,
        },
        "notes": [told],
        "tableSchema": {
            "columns": [*_dimensions(shown), _count(told["unit"], perturbed="perturbation" in told), *_figures(release, shown)],
            "primaryKey": [axis.name for axis in shown.along],
        },
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _dimensions(shown: Shown) -> list[dict[str, Any]]:
    return [
        {
            "name": axis.name,
            "titles": axis.name,
            "dc:title": axis.title,
            "dc:description": f"{axis.title}. “{axis.total}” is the total; {len(axis.labels)} categories.",
            "datatype": "string",
            "required": True,
        }
        for axis in shown.along
    ]


def _count(unit: str, *, perturbed: bool) -> dict[str, Any]:
    what, told = ("Count, perturbed", f"Number of {unit}, with noise.") if perturbed else ("Count", f"Number of {unit}.")
    return {
        "name": "count",
        "titles": "count",
        "dc:title": what,
        "dc:description": f"{told} {HIDDEN} = {MARKERS[HIDDEN]}.",
        "datatype": {"base": "integer", "minimum": 0},
        "null": list(MARKERS),
        "required": False,
    }


def _figures(release: Release, shown: Shown) -> Iterator[dict[str, Any]]:
    signed = {one.name for one in release.values if one.number is Number.CHANGE}
    for one in shown.figures:
        what = LABELS[one.ending]
        yield {
            "name": one.name,
            "titles": one.name,
            "dc:title": f"{what} of {one.value}",
            "dc:description": f"{what} of {one.value}, over the units counted that have it. {HIDDEN} = {MARKERS[HIDDEN]}.",
            "datatype": {"base": "decimal" if one.decimals else "integer", **({} if one.value in signed else {"minimum": 0})},
            "null": list(MARKERS),
            "required": False,
        }
