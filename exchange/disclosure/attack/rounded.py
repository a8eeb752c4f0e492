"""What a table says whose values were rounded or perturbed: each published value an interval that the true one lies in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exchange.disclosure.attack.long import Array
from exchange.disclosure.errors import BadTables

METHODS = ("rounding", "controlled", "ten-five", "cell-key")


@dataclass(frozen=True)
class Method:
    """How published values were made, by method.json: the true value lies at most `below` below the published one, at most `above` above it,

    and is at least `least`.
    """

    name: str
    below: int
    above: int
    least: int

    def interval(self, published: Array) -> tuple[Array, Array]:
        """The least and the greatest value behind each published one."""
        low = np.maximum(published - self.below, self.least)
        # Cell keys leave zeros alone: what is published above nothing was more than nothing.
        return np.where((published > 0) & (self.name == "cell-key"), np.maximum(low, 1), low), published + self.above


def read_method(protected: Mapping[str, bytes], unit: int) -> Method | None:
    """The method of a protected set, None where its values are exact. `unit`: how many units of the set make one."""
    if "method.json" not in protected:
        return None
    try:
        document: Any = json.loads(protected["method.json"].decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadTables("method.json is not JSON in UTF-8") from None
    name = document.get("method") if isinstance(document, dict) else None
    if name == "suppress":
        return None
    if name not in METHODS:
        raise BadTables(f"method.json: the method must be one of {', '.join(METHODS)}")
    if name == "cell-key":
        bound = _whole(document, "bound", 0) * unit
        # Zeros stay zero and nothing else need: what is published as nothing may have been anything up to the bound.
        return Method(name, bound, bound, 0)
    base = _whole(document, "base", 2) * unit
    if name == "controlled":
        reach = base * _whole({"span": 1, **document}, "span", 1) - 1
        return Method(name, reach, reach, 0)
    return Method(name, base // 2, (base - 1) // 2, _whole({"below": 10, **document}, "below", 0) * unit if name == "ten-five" else 0)


def _whole(document: Mapping[str, Any], key: str, least: int) -> int:
    found = document.get(key)
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= 10**12:
        raise BadTables(f"method.json: {key} must be a whole number of at least {least}")
    return found
