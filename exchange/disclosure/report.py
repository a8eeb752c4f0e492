"""One page of text from a report, for the person at the shell."""

from collections.abc import Mapping
from typing import Any

_MOST_CELLS = 40


def protect_page(report: Mapping[str, Any]) -> str:
    """What was hidden, at what level, and what the independent attack found."""
    attacked = report["attack"]
    lines = [
        f"Level            known minimum {report['known_min']}, at least {report['min_width'] + 1} possible values for every primary cell",
        f"Cells            {report['cells']:,}",
        f"Primary          {report['primary']:,} (value {report['primary_value']:,})"
        + (f", and {report['primary_for_suppliers']:,} only in the eyes of a supplier" if report["primary_for_suppliers"] else ""),
        *([f"Differences      {report['differences']:,} of two releases"] if report["differences"] else []),
        f"Secondary        {report['secondary']:,} (value {report['secondary_value']:,})",
        *(_intruder(entry) for entry in report["intruders"]),
        f"Certificate      {_several(report['witnesses'], 'witness', 'es')}, checked in whole numbers",
        f"Attack           {_verdict(attacked)}",
        f"Time             {report['seconds']} s"
        + (", stopped by the time limit: a smaller pattern may exist" if report["stopped_early"] else ""),
        "",
        *(
            f"  {name}: {entry['suppressed']:,} of {entry['cells']:,} cells hidden"
            + ("" if entry["published"] else ", not published itself")
            for name, entry in report["tables"].items()
        ),
        *(f"  {name}: {entry['suppressed']:,} of {entry['figures']:,} figures hidden" for name, entry in report["figures"].items()),
    ]
    if report["ignored_keys"]:
        lines += ["", f"Keys of spec.json that were not understood and changed nothing: {', '.join(report['ignored_keys'])}"]
    return "\n".join([*lines, "", "certificate.json and report.json are internal: publish neither."])


def _several(count: int, what: str, ending: str = "s") -> str:
    return f"{count:,} {what}{'' if count == 1 else ending}"


def _intruder(entry: Mapping[str, Any]) -> str:
    who = "the public" if entry["supplier"] is None else f"supplier {entry['supplier']}"
    median, largest = ("no bound" if entry[key] is None else f"{entry[key]:,}" for key in ("median_range", "largest_range"))
    return f"Proven           to {who}: {_several(entry['primary'], 'cell')}, width of the range {median} (median), {largest} (largest)"


def attack_page(report: Mapping[str, Any]) -> str:
    """The verdict, and the cells that fell."""
    lines = [
        f"Level            known minimum {report['known_min']}, at least {report['min_width'] + 1} possible values for every primary cell",
        f"Cells            {report['cells']:,}, {report['suppressed']:,} hidden in {_several(report['components'], 'component')}",
        f"Primary          {report['primary']:,}",
        *([f"Differences      {report['differences']:,} of two releases"] if report["differences"] else []),
        f"Verdict          {_verdict(report)}",
        f"Time             {report['seconds']} s",
    ]
    lines += [_fallen(cell) for cell in report["vulnerable"][:_MOST_CELLS]]
    if len(report["vulnerable"]) > _MOST_CELLS:
        lines.append(f"  and {len(report['vulnerable']) - _MOST_CELLS} more; --json lists all")
    return "\n".join(lines)


def _fallen(cell: Mapping[str, Any]) -> str:
    low, high = ("no bound" if cell[end] is None else cell[end] for end in ("low", "high"))
    what = f", its difference from release {cell['since']}" if cell["since"] else ""
    who = " to a contributor" if cell["insider"] else f" to supplier {cell['supplier']}" if cell["supplier"] else ""
    return f"  {cell['table']} {', '.join(cell['codes'])}{what}: {low} to {high}{who}"


def _verdict(report: Mapping[str, Any]) -> str:
    if report["safe"]:
        suppliers = sum(entry["supplier"] is not None for entry in report["intruders"])
        others = (["insiders"] if report["insiders"] else []) + ([_several(suppliers, "supplier")] if suppliers else [])
        return "safe" + (f", {' and '.join(others)} included" if others else "")
    counts = f"{report['exact']} exactly recoverable, {report['narrow']} too narrow"
    return f"VULNERABLE: {counts}, {report['to_suppliers']} to suppliers, {report['to_insiders']} to insiders"
