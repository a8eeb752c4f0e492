"""The problem documents in the served OpenAPI: each is what the hub answers, none is missing, and none says anything of a row."""

import re
from pathlib import Path
from typing import Any

import pytest

from exchange.access import OPERATIONS, PUBLIC
from exchange.api import documented
from exchange.api.schemas import Problem
from exchange.errors import Unacceptable
from tests.answered import Seen, undocumented
from tests.exchange.errors_seen import ADDRESS, REQUEST, everything, written
from tests.exchange.standing import CLEVELAND, ROOT, World, crimes, problem

LIST = "get /v1/agreements"


@pytest.fixture
def served(world: World) -> dict[str, Any]:
    document: dict[str, Any] = world.call("get", "/openapi.json").get_json()
    return document


def test_on_sqlite_every_documented_problem_is_provoked_and_answered_as_its_example_says(first_world: World, tmp_path: Path) -> None:
    assert written(everything(first_world, tmp_path)) == documented.FILE.read_text(encoding="utf-8")


def test_every_operation_lists_its_statuses_and_for_each_code_an_example_of_it(served: dict[str, Any]) -> None:
    operations = {
        f"{method} {path}": one for path, ways in served["paths"].items() for method, one in ways.items() if method != "parameters"
    }
    assert set(operations) == set(documented.operations())
    for name, operation in operations.items():
        problems = {status: one["content"] for status, one in operation["responses"].items() if "application/problem+json" in str(one)}
        assert set(problems) == {*documented.operations()[name], "default"}
        for status, content in problems.items():
            for code, reference in content["application/problem+json"]["examples"].items():
                value = served["components"]["examples"][reference["$ref"].rsplit("/", 1)[1]]["value"]
                assert value["code"] == code
                assert status in (str(value["status"]), "default")


def test_whoever_must_say_who_they_are_is_told_what_comes_of_not_saying_it(world: World) -> None:
    for rule in world.app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if (statuses := documented.operations().get(f"{method.lower()} {path}")) is not None:
                assert ("no-token" in statuses.get("401", {})) is (OPERATIONS[rule.endpoint] != PUBLIC), rule
                assert {"421", "429", "503"} <= set(statuses)


def test_an_example_is_a_problem_document_with_a_documented_code_and_no_value_of_a_row(served: dict[str, Any]) -> None:
    codes = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    rows = crimes(1, authority=["Middlesbrough"]).to_pylist()[0]
    values = [*(str(one) for one in rows.values() if isinstance(one, str)), "Hartlepool", "Darlington", "County Durham", "Stockton-on-Tees"]
    for one in served["components"]["examples"].values():
        example = one["value"]
        assert Problem().validate({name: value for name, value in example.items() if name in Problem().fields}) == {}
        assert example["code"] in codes
        assert (example["instance"], example["request"]) == (ADDRESS, REQUEST)
        said = str({**example, "request": ""})
        assert not [value for value in values if value in said], example
        assert not re.search(r"(?=[0-9a-f]*[1-9a-f])[0-9a-f]{12,}", said), example


def test_a_problem_that_is_not_listed_is_noticed(world: World, every_problem_is_documented: list[Seen]) -> None:
    def fail() -> str:
        raise Unacceptable("something new.", code="something-new")

    world.app.view_functions["agreements.Agreements"] = fail
    problem(world.call("get", "/v1/agreements", CLEVELAND), 422, "something-new")
    assert undocumented(every_problem_is_documented) == [(LIST, 422, "something-new")]
    every_problem_is_documented.clear()
    assert undocumented([Seen("get /somewhere", 422, "something-new", {}), Seen(LIST, 500, "internal-error", {})]) == []
