"""Parts of a settings file made into values: unknown and missing names are errors that name them."""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from exchange.errors import Misconfigured

T = TypeVar("T")


def types_of(file: str, kind: type[Any], found: Collection[str]) -> dict[str, Any]:
    """The type of every setting that a dataclass knows, by its name. Misconfigured for one that it does not know."""
    known = {field.name: field.type for field in fields(kind)}
    if unknown := sorted(set(found) - set(known)):
        raise Misconfigured(f"{file}: unknown setting {', '.join(unknown)}.", remedy=f"There are: {', '.join(known)}.")
    return known


def made(file: str, kind: type[T], values: Mapping[str, Any]) -> T:
    """The value. Misconfigured for settings without which there is none."""
    needed = [field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING]  # type: ignore[arg-type]
    if missing := [name for name in needed if name not in values]:
        raise Misconfigured(f"{file}: {', '.join(missing)} missing.")
    return kind(**values)
