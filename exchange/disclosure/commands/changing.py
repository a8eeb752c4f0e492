"""`exchange protect --method`: rounding, controlled rounding, the ten-five rule and cell keys, from the shell."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import click

from exchange.disclosure.attack import attack
from exchange.disclosure.errors import BadTables
from exchange.disclosure.methods import NAMES, apply
from exchange.disclosure.perturb import Noise
from exchange.disclosure.spec import Files, Need

Command = Callable[..., Any]

_OPTIONS = (
    click.option("--method", type=click.Choice(NAMES), default="suppress", show_default=True, help="How cells are protected."),
    click.option("--base", type=click.IntRange(2), help="Base of (controlled) rounding; left out: the smallest that protects."),
    click.option("--bound", type=click.IntRange(1, 100), help="Cell key: the most that a count changes."),
    click.option("--variance", help="Cell key: variance of the noise, such as 3 or 5/2."),
    click.option("--none", "none", type=click.IntRange(0, 99), help="Cell key: no published count from 1 to this."),
)


def how(command: Command) -> Command:
    """Add the options of all methods to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def noise_asked(bound: int | None, variance: str | None, none: int | None) -> Noise | None:
    """The noise the options ask for; None where none of them was given."""
    if bound is None and variance is None and none is None:
        return None
    try:
        return Noise(bound, None if variance is None else Fraction(variance), none)
    except (ValueError, ZeroDivisionError):
        raise BadTables("--variance must be a number above 0, such as 3, 2.5 or 5/2") from None


def changed(method: str, files: Files, need: Need, base: int | None, noise: Noise | None) -> tuple[Files, dict[str, Any], bool]:
    """Protect by a method that changes values, and attack the result: its files, its report, and whether it is safe to write."""
    result = apply(method, files, need, base=base, noise=noise)
    protected = result.files()
    found = attack(files, protected, need, insiders=result.insiders)
    return protected, {**result.report, "attack": found.report}, found.safe


def changed_page(report: Mapping[str, Any]) -> str:
    """One page of text: what was changed, and what the independent attack found."""
    said = ", ".join(f"{key} {value}" for key, value in report["method"].items() if key not in {"method", "version", "ptable"})
    lines = [
        f"Method           {report['method']['method']}: {said}",
        f"Level            at least {report['min_width'] + 1} possible values for every primary cell",
        f"Cells            {report['cells']:,}, {report['primary']:,} of them primary, {report['cells_hidden']:,} hidden",
        f"Value lost       {report['value_lost']:,}; the largest error of a published value is {report['largest_error']:,}",
        f"Adds up          {'yes' if report['additive'] else 'no: every total is changed by itself and may not equal the sum of its parts'}",
        f"Attack           {'safe' if report['attack']['safe'] else 'VULNERABLE: nothing was written'}",
        f"Time             {report['seconds']} s",
    ]
    if report["ignored_keys"]:
        lines += ["", f"Keys of spec.json that were not understood and changed nothing: {', '.join(report['ignored_keys'])}"]
    return "\n".join([*lines, "", "report.json is internal: do not publish it."])
