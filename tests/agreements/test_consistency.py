"""Every way in which a document can contradict itself has an example here, and is refused by its place."""

import ast
import copy
import inspect
import sys
from types import FrameType
from typing import Any

import pytest

from agreements import consistency
from agreements.errors import InvalidDocument
from tests.agreements.papers import Document, Edit, build, document, edited


def party(number: int, **members: Any) -> Edit:
    return lambda parsed: parsed["parties"][number].update(members)


def field(number: int, **members: Any) -> Edit:
    return lambda parsed: parsed["datasets"][0]["fields"][number].update(members)


def release(**members: Any) -> Edit:
    return lambda parsed: parsed["releases"][0].update(members)


def lookup(**members: Any) -> Edit:
    return lambda parsed: parsed["releases"][0]["lookups"][0].update(members)


def dimension(number: int, **members: Any) -> Edit:
    return lambda parsed: parsed["releases"][0]["dimensions"][number].update(members)


def table(number: int, **members: Any) -> Edit:
    return lambda parsed: parsed["releases"][0]["tables"][number].update(members)


def terms(**members: Any) -> Edit:
    return lambda parsed: parsed["releases"][0]["terms"].update(members)


def dataset(number: int = 0, **members: Any) -> Edit:
    return lambda parsed: parsed["datasets"][number].update(members)


def basis(number: int, **members: Any) -> Edit:
    return lambda parsed: parsed["parties"][number]["lawful_bases"][0].update(members)


TERMS = {"threshold": 10, "zeros": "published", "level": "C"}
NOISE = {"method": "cell-key", "bound": 20, "variance": 8, "smallest": 3}


def perturbed_beside(parsed: Document) -> None:
    """A release with noise, and the same counts without."""
    other = copy.deepcopy(parsed["releases"][0]) | {"name": "other-counts"}
    parsed["releases"][0]["terms"].update(NOISE)
    parsed["releases"].append(other)


def crossing(**members: Any) -> dict[str, Any]:
    return {"datasets": ["crimes"], "from": "uk-gdpr", "to": "part3", "gateway": "by this power", **members}


PERMISSION = {"name": "vs", "joins": ["victims", "suspects"], "because": "the measure follows both."}


def joined(crimes: list[str], outcomes: list[str], **members: Any) -> Edit:
    """Two joined datasets about these groups, with one permission at hand."""

    def edit(parsed: Document) -> None:
        parsed["permissions"] = [PERMISSION]
        parsed["datasets"][0]["about"], parsed["datasets"][1]["about"] = crimes, outcomes
        parsed["releases"][0].update(members)

    return edit


def again(*place: str | int) -> Edit:
    """The first member of the list at this place, once more."""

    def edit(parsed: Document) -> None:
        found: Any = parsed
        for key in place:
            found = found[key]
        found.append(found[0])

    return edit


def swap(edit: str, *place: str | int) -> Edit:
    """Put the value at ``place`` where ``edit`` (a dotted place) is."""

    def change(parsed: Document) -> None:
        value: Any = parsed
        for key in place:
            value = value[key]
        holder: Any = parsed
        *path, last = edit.split(".")
        for step in path:
            holder = holder[int(step) if step.isdigit() else step]
        holder[last] = value

    return change


CASES: list[tuple[str, Edit, str]] = [
    ("expiry before start", lambda p: p["agreement"].update(expires=p["agreement"]["in_force_from"]), "agreement.expires: must lie after"),
    ("review outside the term", lambda p: p["agreement"].update(review="2040-01-01"), "agreement.review: must lie between"),
    ("a party twice", party(1, id="cleveland-police"), "parties: “cleveland-police” stands 2 times"),
    ("a recipient twice", again("recipients"), "recipients: “lcjp-performance-team” stands 2 times"),
    ("no operator", party(2, operator=False), "exactly one party is the hub's operator"),
    ("two operators", party(0, operator=True), "exactly one party is the hub's operator"),
    ("an operator without hub keys", lambda p: p["parties"][2].pop("hub"), "parties.lcjp-operator: the operator, and nobody else"),
    ("one person for advice and signature", swap("parties.0.dpo", "parties", 0, "signatory"), "must not share a key"),
    ("a basis for no dataset", lambda p: p["parties"][0]["lawful_bases"][0].update(datasets=["crimes", "outcomes", "cats"]), "no dataset “cats”"),
    ("a recipient of no party", lambda p: p["recipients"][0].update(party="nobody"), "recipients.lcjp-performance-team: there is no party"),
    ("a recipient with a party's id", lambda p: p["recipients"][0].update(id="cleveland-police"), "under an id of its own"),
    ("one key for two uses", swap("parties.0.keys.client", "parties", 0, "keys", "manifest"), "one key, one use"),
    ("a person's key for a machine", swap("parties.0.keys.client", "parties", 1, "dpo", "key"), "one key, one use"),
    ("a checker with the hub's key", swap("parties.0.checkers.0.key", "parties", 2, "hub", "receipts"), "must not share a key with a machine"),
    ("a field twice", again("datasets", 0, "fields"), "datasets.crimes: “crime” stands 2 times"),
    ("a supplier twice", again("datasets", 0, "suppliers"), "datasets.crimes.suppliers: “cleveland-police” stands 2 times"),
    ("a supplier that is no party", lambda p: p["datasets"][0]["suppliers"].append("nobody"), "“nobody” is no party with machine keys"),
    ("a supplier without keys", lambda p: p["parties"][0].pop("keys"), "“cleveland-police” is no party with machine keys"),
    ("a supplier without a gateway", lambda p: p["parties"][0]["lawful_bases"][0].update(datasets=["crimes"]), "no lawful basis and gateway"),
    ("a rule that does not suit", field(1, type="text"), "datasets.crimes.month.rule: keep by range does not suit"),
    ("no period field", lambda p: p["datasets"][0].update(period_field="day"), "datasets.crimes.period_field: there is no field “day”"),
    ("a period field without a date", lambda p: p["datasets"][0].update(period_field="crime_type"), "must be a date or a month"),
    ("a release of no dataset", release(base="cats"), "releases.mv7-outcomes: there is no dataset cats"),
    ("a dimension twice", again("releases", 0, "dimensions"), "dimensions: “force” stands 2 times"),
    ("a table twice", again("releases", 0, "tables"), "tables: “by-area” stands 2 times"),
    ("a dataset read twice", lookup(dataset="crimes"), "datasets: “crimes” stands 2 times"),
    ("a release's recipient twice", again("releases", 0, "recipients"), "recipients: “lcjp-performance-team” stands 2 times"),
    ("a derived value twice", again("releases", 0, "derived"), "derived: “group” stands 2 times"),
    ("a derived value called supplier", lambda p: p["releases"][0]["derived"][0].update(name="supplier"), "derived: “supplier” stands 2"),
    ("a lookup on no field", lookup(latest_by="day"), "lookups.outcomes: there is no field outcomes.day"),
    ("a join on what is no pseudonym", lookup(on="month"), "joined on a pseudonym of one kind, and “month” is not"),
    ("a join of two kinds", field(0, rule={"pseudonymise": "case"}), "joined on a pseudonym of one kind, and “crime” is not"),
    ("a derived value of no field", lambda p: p["releases"][0]["derived"][0]["first_of"].append("crimes.x"), "there is no field “crimes.x”"),
    ("bands that fall", lambda p: p["releases"][0]["derived"][1]["bands"].reverse(), "months_to_outcome: the bands must rise"),
    ("a dimension of nothing", dimension(1, source="crimes.postcode"), "dimensions.authority: there is no field or derived value"),
    ("a period with categories", dimension(2, categories=["2021-04"]), "dimensions.month: the period dimension, and only it"),
    ("a dimension without categories", dimension(1, categories=[]), "dimensions.authority: the period dimension, and only it"),
    ("a category twice", again("releases", 0, "dimensions", 1, "categories"), "dimensions.authority: “County Durham” stands 2 times"),
    ("no period dimension", release(period_dimension="day"), "period_dimension: there is no dimension “day”"),
    ("an unknown present field", release(present=["cats"]), "present: there is no field “cats” in crimes"),
    ("noise of no kind", terms(method="cell-key"), "releases.mv7-outcomes.terms: cell-key needs bound"),
    ("noise beside suppression", terms(bound=20, variance=8, smallest=3), "terms: bound, variance and smallest are of noise"),
    ("noise over hidden noughts", terms(**NOISE, zeros="suppressible", level="B"), "terms: cell-key hides nothing"),
    ("noise with a base", terms(**NOISE, base=5), "terms: rounding needs a base"),
    ("noise too small to hide", terms(**{**NOISE, "bound": 9}), "terms: the noise must be able to hide a small count: the bound is at least 10"),
    ("noise that leaps too far", terms(**{**NOISE, "smallest": 21}), "terms: smallest is at most the bound"),
    ("noise that cannot leap", terms(**{**NOISE, "smallest": 6}), "terms: no noise without bias is like that: the variance is from 9 to"),
    ("noise too wide", terms(**{**NOISE, "variance": 21}), "terms: no noise without bias is like that: the variance is from 2 to"),
    ("noise without units", release(terms={**TERMS, **NOISE}, present=[]), "terms: cell-key takes the key of each unit"),
    ("noise beside exact counts", perturbed_beside, "terms: people whose counts are perturbed are counted in no other way: give other-counts"),
    ("rounding to nothing", terms(method="rounding"), "terms: rounding needs a base"),
    ("a base without rounding", terms(base=5), "terms: rounding needs a base"),
    ("ten-five that shows noughts", terms(method="ten-five"), "terms: ten-five hides counts under 10"),
    ("ten-five under a higher threshold", terms(method="ten-five", threshold=20, zeros="suppressible", level="B"), "terms: ten-five hides"),
    ("a table by nothing known", table(0, dimensions=["month", "cats"]), "tables.by-area: there is no dimension “cats”"),
    ("a table twice by one dimension", table(0, dimensions=["month", "force", "force"]), "tables.by-area: “force” stands 2 times"),
    ("a table without the period", table(0, dimensions=["force"]), "every table is cut by the period dimension “month”"),
    ("hidden noughts at level C", release(terms={"threshold": 10, "zeros": "suppressible"}), "mv7-outcomes.terms: where noughts may be"),
    ("a group twice", dataset(about=["victims", "victims"]), "datasets.crimes.about: names each group once"),
    ("nobody and somebody", dataset(about=["nobody", "victims"]), "datasets.crimes.about: names each group once"),
    ("a regime crossed in silence", basis(2, regime="part3"), "dataset crimes passes from uk-gdpr to part3, and no crossing says by which"),
    ("a crossing of nothing", lambda p: p.update(crossings=[crossing(datasets=["cats"])]), "crossings.0: there is no dataset “cats”"),
    ("a crossing to where it is", lambda p: p.update(crossings=[crossing(to="uk-gdpr")]), "crossings.0: from and to are the same"),
    ("a permission twice", lambda p: p.update(permissions=[PERMISSION, PERMISSION]), "permissions: “vs” stands 2 times"),
    ("an unknown permission", release(permission="vs"), "mv7-outcomes.permission: there is no permission “vs”"),
    ("victims with suspects", joined(["victims"], ["suspects"]), "it joins suspects, victims, and names no permission"),
    ("more than is permitted", joined(["victims", "witnesses"], ["suspects"], permission="vs"), "it joins suspects, victims, witnesses"),
    ("a release for nobody", release(recipients=["nobody"]), "recipients: there is no recipient “nobody”"),
    ("too few checkers", lambda p: p["approvals"].update(output_checkers=4), "approvals.output_checkers: the parties name fewer"),
]  # fmt: skip


def refused(edit: Edit) -> tuple[str, ...]:
    with pytest.raises(InvalidDocument) as caught:
        edited(edit)
    return caught.value.problems


def test_without_a_change_there_is_nothing_to_refuse() -> None:
    assert edited(lambda _parsed: None).document == build(document()).document


def test_a_named_permission_lets_them_be_joined_and_a_crossing_lets_a_regime_be_crossed() -> None:
    assert edited(joined(["victims"], ["suspects"], permission="vs")).releases[0].permission == "vs"

    def edit(parsed: Document) -> None:
        parsed["parties"][2]["lawful_bases"][0]["regime"] = "part3"
        parsed["crossings"] = [crossing(datasets=["crimes", "outcomes"])]

    assert edited(edit).crossings[0].gateway == "by this power"


@pytest.mark.parametrize(("edit", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_contradiction_is_refused_by_its_place(edit: Edit, said: str) -> None:
    problems = refused(edit)
    assert any(said in line for line in problems), problems


def test_the_examples_reach_every_refusal_there_is() -> None:
    """Run every example with an eye on the module's lines: a rule without an example leaves its line unread."""
    module = ast.parse(inspect.getsource(consistency))
    wanted = {node.value.lineno for node in ast.walk(module) if isinstance(node, ast.Yield) and node.value is not None}
    seen: set[int] = set()

    def watch(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != consistency.__file__:
            return None
        seen.add(frame.f_lineno)
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        for _, edit, _ in CASES:
            with pytest.raises(InvalidDocument):
                edited(edit)
    finally:
        sys.settrace(before)
    assert wanted
    assert not wanted - seen


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda p: p.pop("approvals"), "approvals: Missing"),
        (lambda p: p.update(datasets=[]), "datasets: "),
        (lambda p: p.update(parties=p["parties"][:1]), "parties: "),
        (lambda p: p["approvals"].update(output_checkers=1), "approvals.output_checkers"),
        (lambda p: p["releases"][0]["terms"].update(threshold=1), "releases.0.terms.threshold"),
        (lambda p: p["releases"][0]["terms"].update(threshold=True), "releases.0.terms.threshold"),
        (lambda p: p["releases"][0]["terms"].update(method="blurring"), "releases.0.terms.method"),
        (lambda p: p["releases"][0]["terms"].update(method="rounding", base=1), "releases.0.terms.base"),
        (lambda p: p["releases"][0]["terms"].update(method="rounding", base="5"), "releases.0.terms.base"),
        (lambda p: p["releases"][0]["terms"].update({**NOISE, "variance": 0}), "releases.0.terms.variance"),
        (lambda p: p["releases"][0]["terms"].update({**NOISE, "bound": 101}), "releases.0.terms.bound"),
        (lambda p: p["releases"][0]["terms"].update({**NOISE, "smallest": "3"}), "releases.0.terms.smallest"),
        (lambda p: p["releases"][0]["derived"][0].update(first_of=[]), "releases.0.derived.0.first_of"),
        (lambda p: p["releases"][0]["derived"][0].update(beyond="x"), "releases.0.derived.0"),
        (lambda p: p["agreement"].update(version=0), "agreement.version"),
        (lambda p: p["agreement"].update(version=1.5), "agreement.version"),
        (lambda p: p["agreement"].update(title=" "), "agreement.title: must not be empty"),
        (lambda p: p["agreement"].update(title="x" * 4001), "agreement.title: is longer"),
        (lambda p: p["agreement"].update(in_force_from="soon"), "agreement.in_force_from: must be a date"),
        (lambda p: p["agreement"].update(reference="lcjp"), "agreement.reference"),
        (lambda p: p["agreement"].update(reference="A" * 41), "agreement.reference"),
        (lambda p: p["agreement"].update(back_fill_from="2021-13"), "agreement.back_fill_from"),
        (lambda p: p["agreement"].update(back_fill_from="2021-01\n"), "agreement.back_fill_from"),
        (lambda p: p["datasets"][0].update(retention="P0D"), "datasets.0.retention"),
        (lambda p: p["datasets"][0].update(retention=10), "datasets.0.retention"),
        (lambda p: p["datasets"][0].update(name="a" * 41), "datasets.0.name"),
        (lambda p: p["parties"][0].update(role="owner"), "parties.0.role"),
    ],
)  # fmt: skip
def test_a_shape_that_is_wrong_is_refused_by_its_place(edit: Edit, said: str) -> None:
    problems = refused(edit)
    assert any(line.startswith(said) for line in problems), problems
