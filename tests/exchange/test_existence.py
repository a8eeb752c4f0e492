"""What is another agency's is answered as what does not exist: the same status, body and headers, and as many questions to the database.

Every route of the API that names something is tried, new ones by themselves: an address with an argument that ``THINGS`` does not know
fails here until it says which of them is another's and which is nobody's.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from exchange.access import OPERATIONS, PUBLIC
from exchange.db import writing
from exchange.register import partners
from keys.sign import SigningKey
from tests.exchange.releases import drafted
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, RELEASE, World, card_of, crimes, problem
from tests.exchange.test_access import ADDRESSES

NOBODYS = "0" * 24
STRANGER, ANALYSTS = "elsewhere-council", "elsewhere-analysts"  # of no agreement: one that might supply, one that might receive


@pytest.fixture(scope="module")
def full(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, dict[str, tuple[Any, Any]]]]:
    """A hub that holds rows of Cleveland's and a published edition; and of each kind of thing another's and nobody's.

    Nothing here changes it: what is asked is refused.
    """
    world = first_world.copy(tmp_path_factory.mktemp("full") / "hub")
    pushed = world.hold()
    world.hold([crimes(12, seed=1)], DURHAM)
    edition = drafted.ask(world)
    drafted.publish(world, edition)
    for place in (f"{STRANGER}/client", f"{STRANGER}/manifest", f"{ANALYSTS}/client"):
        world.keys[place] = SigningKey.generate()
        with writing(world.hub.engine) as session:
            partners.register(session, card_of(place, world.keys[place]), world.clock())
    things = {
        "reference": (REFERENCE, "LCJP-NO7"),
        "submission": (pushed.id, pushed.id[: -len(NOBODYS)] + NOBODYS),
        "edition": (edition, edition[: -len(NOBODYS)] + NOBODYS),
        "release": (RELEASE, RELEASE),
        "name": ("crimes", "crimes"),
        "number": (1, 1),
    }
    yield world, things
    world.close()


def sent(world: World, endpoint: str, method: str) -> dict[str, Any]:
    """A body that gets as far as it can."""
    if method == "PUT":
        pushed = world.prepare([crimes()])
        return {"data": pushed.parts[0], "headers": {"Content-Digest": "sha-256=:x=:"}}
    if method == "GET":
        return {}
    return {"json": world.envelope() if endpoint == "agreements.Envelopes" else {}}


def alike(answer: TestResponse, names: list[str]) -> tuple[int, str, dict[str, str]]:
    """All of an answer but for the date, its own random id, and for the names that were asked for."""
    text = answer.text.replace(answer.headers["X-Request-Id"], "REQUEST")
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "NAME")
    return (
        answer.status_code,
        text,
        {name: value for name, value in answer.headers.items() if name not in ("Date", "Content-Length", "X-Request-Id")},
    )


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile, without those of the log: how many it reads hangs on its length alone."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        words = re.sub(r"\s+", " ", statement)
        if not re.search(r"\blog_", words):
            found.append(words[:90])

    engines = (world.hub.engine, world.hub.asker)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def naming(world: World) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/v1/") and rule.arguments and OPERATIONS[rule.endpoint] != PUBLIC
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def address(rule: Rule, values: dict[str, Any]) -> str:
    unknown = rule.arguments - set(values)
    assert not unknown, f"{rule.endpoint}: say in this file which {unknown} is another agency's, and which is nobody's"
    path = rule.rule
    for name in rule.arguments:
        path = re.sub(rf"<[^<>]*\b{name}>", str(values[name]), path)
    question = ADDRESSES[rule.endpoint][1].partition("?")[2]
    return f"{path}?{question}" if question else path


@pytest.mark.parametrize("who", [DURHAM, STRANGER, ANALYSTS])
def test_anothers_things_are_as_if_they_were_not(full: tuple[World, dict[str, tuple[Any, Any]]], who: str) -> None:
    world, things = full
    tried = 0
    for rule, method in naming(world):
        # Durham is a party to the agreement: there the submission alone is another's.
        hidden = {"submission"} if who == DURHAM else set(things)
        if not rule.arguments & hidden:
            continue
        token = {"Authorization": f"Bearer {world.token(who)}"}
        answers, statements = [], []
        for which in (0, 1):
            values = {name: pair[which if name in hidden else 0] for name, pair in things.items()}
            more = sent(world, rule.endpoint, method)
            more["headers"] = {**more.get("headers", {}), **token}
            with counted(world) as asked:
                answers.append(world.app.test_client().open(address(rule, values), method=method, **more))
            statements.append(list(asked))
        names = [str(name) for pair in things.values() for name in pair]
        assert answers[0].status_code in (403, 404, 411, 415, 422), (rule.endpoint, answers[0].text)
        assert alike(answers[0], names) == alike(answers[1], names), rule.endpoint
        assert statements[0] == statements[1], rule.endpoint
        tried += 1
    assert tried >= (4 if who == DURHAM else 5)


def test_a_manifest_under_anothers_agreement_is_as_one_under_none(full: tuple[World, dict[str, tuple[Any, Any]]]) -> None:
    world, things = full
    answers, statements = [], []
    for reference, digest in ((REFERENCE, world.agreement.digest), (things["reference"][1], "sha256:" + "0" * 64)):
        pushed = world.prepare([crimes()], supplier=STRANGER, reference=reference, agreement=digest)
        with counted(world) as asked:
            answers.append(world.open(pushed, STRANGER))
        statements.append(list(asked))
    problem(answers[0], 404, "unknown-agreement")
    names = [REFERENCE, things["reference"][1]]
    assert alike(answers[0], names) == alike(answers[1], names)
    assert statements[0] == statements[1]


def test_to_follow_anothers_submission_is_as_to_follow_none(full: tuple[World, dict[str, tuple[Any, Any]]]) -> None:
    """A manifest that names another agency's submission in ``after`` learns nothing of it."""
    world, things = full
    answers = [world.open(world.prepare([crimes(2, seed=5)], supplier=DURHAM, after=one), DURHAM) for one in things["submission"]]
    found = [json.loads(answer.text) for answer in answers]
    assert answers[0].status_code in (409, 422)
    assert alike(answers[0], list(things["submission"])) == alike(answers[1], list(things["submission"])), found


def test_lists_hold_ones_own_alone(full: tuple[World, dict[str, tuple[Any, Any]]]) -> None:
    world, _ = full
    for rule in world.app.url_map.iter_rules():
        if not rule.rule.startswith("/v1/") or rule.arguments or "GET" not in (rule.methods or ()) or rule.endpoint.startswith("log."):
            continue
        for who in (STRANGER, ANALYSTS):
            answer = world.call("get", address(rule, {}), who)
            told = answer.text if answer.status_code == 200 else ""
            assert REFERENCE not in told, rule.endpoint
            assert CLEVELAND not in told, rule.endpoint
