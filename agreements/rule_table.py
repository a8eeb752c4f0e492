"""The table of field rules: name in the document → how its parameters are read. Adding a rule adds a row here."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from agreements.characters import deceives
from agreements.coarsen import AREAS, BandEdges, Coarse, Flag, Generalise, GeneraliseArea, Round, TopCode
from agreements.errors import InvalidRule
from agreements.fields import KeepPattern, KeepRange, KeepValues, Map, PseudonymiseRule, Rule

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def _members(rule: str, found: Mapping[str, Any], allowed: set[str]) -> None:
    if unknown := sorted(set(found) - allowed):
        raise InvalidRule(f"{rule}: unknown parameter {', '.join(unknown)}; it takes {', '.join(sorted(allowed))}.")


def _text(rule: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidRule(f"{rule}: every value must be a text that is not empty.")
    if deceives(value):
        raise InvalidRule(f"{rule}: a value holds characters that could deceive a reader (control, direction or decomposed characters).")
    return value


def _texts(rule: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not values:
        raise InvalidRule(f"{rule}: “values” must be a list of texts.")
    for value in values:
        _text(rule, value)
    if len(set(values)) != len(values):
        raise InvalidRule(f"{rule}: a value stands twice.")
    return tuple(values)


def _whole(rule: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRule(f"{rule}: a whole number is needed.")
    return value


def _day(text: Any) -> Any:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else text
    except ValueError as error:
        raise InvalidRule("keep by range: a date is written YYYY-MM-DD.") from error


def _keep(parameters: Any) -> Rule:
    if not isinstance(parameters, dict):
        raise InvalidRule("keep takes {values = […]}, {pattern = “…”} or {from = …, to = …}.")
    match sorted(parameters):
        case ["values"]:
            return KeepValues(_texts("keep", parameters["values"]))
        case ["pattern"]:
            return KeepPattern(_text("keep by pattern", parameters["pattern"]))
        case ["from", "to"]:
            return KeepRange(_day(parameters["from"]), _day(parameters["to"]))
        case _:
            raise InvalidRule("keep takes {values = […]}, {pattern = “…”} or {from = …, to = …}, one of them.")


def _map(parameters: Any) -> Rule:
    if not isinstance(parameters, dict):
        raise InvalidRule("map takes a table: {codes = {…}} or {list = “…”, digest = “…”, values = […]}.")
    _members("map", parameters, {"codes", "list", "digest", "values", "otherwise", "blank"})
    otherwise, blank = (_text("map", parameters[name]) if name in parameters else None for name in ("otherwise", "blank"))
    if "codes" in parameters:
        _members("map by codes", parameters, {"codes", "otherwise", "blank"})
        codes = parameters["codes"]
        if not isinstance(codes, dict) or not codes:
            raise InvalidRule("map: “codes” must be a table from code to text.")
        for text in (*codes, *codes.values()):
            _text("map", text)
        return Map(tuple(sorted(codes.items())), "", "", (), otherwise, blank)
    return Map((), *_code_list("map", parameters), otherwise, blank)


def _code_list(rule: str, parameters: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    """Name, digest and values of the code list that a rule goes by."""
    if missing := sorted({"list", "digest", "values"} - set(parameters)):
        raise InvalidRule(f"{rule} by code list: {', '.join(missing)} missing.")
    name, digest = _text(rule, parameters["list"]), _text(rule, parameters["digest"])
    if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
        raise InvalidRule(f"{rule} by code list: “list” is a name, and “digest” is “sha256:” and 64 hex digits.")
    return name, digest, _texts(rule, parameters["values"])


def _area(parameters: Mapping[str, Any]) -> Rule:
    _members("generalise", parameters, {"to", "list", "digest", "values", "otherwise", "blank"})
    if parameters.get("to") not in AREAS:
        raise InvalidRule(f"generalise by a code list goes to one of {', '.join(AREAS)}.")
    otherwise, blank = (_text("generalise", parameters[name]) if name in parameters else None for name in ("otherwise", "blank"))
    return GeneraliseArea((), *_code_list("generalise", parameters), otherwise, blank, parameters["to"])


def _generalise(parameters: Any) -> Rule:
    if isinstance(parameters, dict):
        return _area(parameters)
    try:
        return Generalise(Coarse(parameters))
    except ValueError as error:
        raise InvalidRule(f"generalise takes one of {', '.join(Coarse)}, or a table with a code list of areas.") from error


def _pseudonymise(parameters: Any) -> Rule:
    if not isinstance(parameters, str) or not _NAME.fullmatch(parameters):
        raise InvalidRule("pseudonymise takes the kind of identifier, such as published_crime.")
    return PseudonymiseRule(parameters)


def _band(parameters: Any) -> Rule:
    if not isinstance(parameters, list):
        raise InvalidRule("band takes a list of edges.")
    return BandEdges(tuple(_whole("band", edge) for edge in parameters))


RULES: Mapping[str, Callable[[Any], Rule]] = {
    "keep": _keep,
    "pseudonymise": _pseudonymise,
    "generalise": _generalise,
    "band": _band,
    "map": _map,
    "flag": lambda values: Flag(_texts("flag", values)),
    "round": lambda step: Round(_whole("round", step)),
    "top_code": lambda limit: TopCode(_whole("top_code", limit)),
}


def read_rule(table: Mapping[str, Any]) -> Rule:
    """The rule written as a table of one member, such as ``{ generalise = "month" }``; :class:`InvalidRule` otherwise."""
    if len(table) != 1 or next(iter(table)) not in RULES:
        raise InvalidRule(f"a field has exactly one rule, one of {', '.join(RULES)}.")
    name, parameters = next(iter(table.items()))
    return RULES[name](parameters)
