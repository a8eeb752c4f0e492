"""Every endpoint has its row, no row is without an endpoint, and each role gets exactly what its row says."""

from itertools import product

import pytest

from exchange.access import OPERATIONS, Role, admit
from exchange.api.agreements import fingerprints
from exchange.errors import Forbidden
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, RELEASE, TEAM, World, crimes, problem
from tests.exchange.web.addresses import PAGES

WHO = {Role.SUPPLIER: CLEVELAND, Role.RECIPIENT: TEAM, Role.PUBLIC: None}
# Every endpoint with the methods it answers, and an address that leads to it.
ADDRESSES: dict[str, tuple[tuple[str, ...], str]] = {
    "tokens.Token": (("post",), "/oauth2/token"),
    "agreements.Agreements": (("get",), "/v1/agreements"),
    "agreements.Agreement": (("get",), f"/v1/agreements/{REFERENCE}"),
    "agreements.Contract": (("get",), f"/v1/agreements/{REFERENCE}/datasets/crimes/contract"),
    "agreements.Envelopes": (("get", "post"), f"/v1/agreements/{REFERENCE}/envelopes"),
    "versions.Difference": (("get",), f"/v1/agreements/{REFERENCE}/difference?from=1&to=1"),
    "versions.Rehearsal": (("get",), f"/v1/agreements/{REFERENCE}/rehearsal?version=1"),
    "versions.Explain": (("get",), f"/v1/agreements/{REFERENCE}/explain?operation=tabulate&release={RELEASE}"),
    "versions.ExplainSubmission": (("get",), f"/v1/agreements/{REFERENCE}/explain/sub-x"),
    "submissions.Submissions": (("get", "post"), "/v1/submissions"),
    "submissions.Submission": (("get", "delete"), "/v1/submissions/sub-x"),
    "submissions.Part": (("put",), "/v1/submissions/sub-x/parts/1"),
    "submissions.Complete": (("post",), "/v1/submissions/sub-x/complete"),
    "scorecard.Scorecard": (("get",), "/v1/scorecard"),
    "rights.Rights": (("get", "post"), f"/v1/rights?agreement=sha256:{'0' * 64}"),
    "log.CheckpointNote": (("get",), "/v1/log/checkpoint"),
    "log.Consistency": (("get",), "/v1/log/consistency?old=1&new=1"),
    "log.OwnEntries": (("get",), "/v1/log/entries?after=0&of=1"),
    "log.Cosignatures": (("post",), "/v1/log/cosignatures"),
    "log.Witnesses": (("get",), "/v1/log/witnesses?of=1"),
    "requests.Requests": (("get",), "/v1/requests"),
    "editions.Editions": (("get",), "/v1/editions"),
    "editions.Edition": (("get",), "/v1/editions/ed-x"),
    "editions.TableFile": (("get",), "/v1/editions/ed-x/tables/by-area.csv"),
    "editions.Latest": (("get",), f"/v1/releases/{REFERENCE}/{RELEASE}/latest"),
    "pulling.LatestFile": (("get",), f"/v1/releases/{REFERENCE}/{RELEASE}/latest/by-area.csv"),
    "odata.Service": (("get",), f"/odata/{REFERENCE}/{RELEASE}/"),
    "odata.Metadata": (("get",), f"/odata/{REFERENCE}/{RELEASE}/$metadata"),
    "odata.Rows": (("get",), f"/odata/{REFERENCE}/{RELEASE}/by_area"),
    "odata.Count": (("get",), f"/odata/{REFERENCE}/{RELEASE}/by_area/$count"),
    "catalogue.Catalogue": (("get",), "/v1/catalogue"),
    "public.PublicCatalogue": (("get",), "/public/catalogue.jsonld"),
    "public.PublicFile": (("get",), "/public/editions/ed-x/by-area.csv"),
    "service.health": (("get",), "/health"),
    "service.ready": (("get",), "/ready"),
    "api-docs.openapi_json": (("get",), "/openapi.json"),
}
WAYS = [(endpoint, method, path) for endpoint, (methods, path) in ADDRESSES.items() for method in methods]


def test_the_table_and_the_addresses_cover_each_other(world: World) -> None:
    routes = {
        rule.endpoint: {method.lower() for method in rule.methods or ()} - {"head", "options"} for rule in world.app.url_map.iter_rules()
    }
    addresses = ADDRESSES | PAGES
    assert set(routes) == set(OPERATIONS) == set(addresses)
    assert routes == {endpoint: set(methods) for endpoint, (methods, _) in addresses.items()}


@pytest.mark.parametrize(
    ("way", "role"), list(product(WAYS, WHO)), ids=lambda value: value.value if isinstance(value, Role) else " ".join(value)
)
def test_each_role_at_each_door(world: World, way: tuple[str, str, str], role: Role) -> None:
    endpoint, method, path = way
    answer = world.call(method, path, WHO[role])
    if role in OPERATIONS[endpoint]:
        assert answer.status_code not in (403, 405), answer.text
        assert answer.status_code != 401 or endpoint == "tokens.Token"
    elif role is Role.PUBLIC:
        problem(answer, 401, "no-token")
    else:
        problem(answer, 403, "forbidden")


def test_what_is_not_in_the_table_is_refused_to_everybody() -> None:
    for role in Role:
        with pytest.raises(Forbidden):
            admit("somewhere.New", role)


def test_a_new_door_without_a_row_stays_shut(world: World) -> None:
    world.app.add_url_rule("/v1/new", "new", lambda: "open")
    for client in WHO.values():
        assert world.call("get", "/v1/new", client).status_code in (401, 403)


def test_unknown_addresses_and_methods(world: World) -> None:
    for client in (None, CLEVELAND):
        problem(world.call("get", "/v2/anything", client), 404, "not-found")
        wrong = world.call("delete", "/v1/submissions", client)
        problem(wrong, 405, "method-not-allowed")
        assert {"GET", "POST"} <= set(wrong.headers["Allow"].replace(" ", "").split(","))


def test_to_another_supplier_a_submission_does_not_exist(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.open(pushed)
    for method, path in (("get", ""), ("put", "/parts/1"), ("post", "/complete")):
        mine = world.call(method, f"/v1/submissions/{pushed.id}{path}", DURHAM)
        nobodys = world.call(method, f"/v1/submissions/sub-{'0' * 24}{path}", DURHAM)
        one, other = problem(mine, 404, "not-found"), problem(nobodys, 404, "not-found")
        assert all(one.pop(own) != other.pop(own) for own in ("instance", "request"))
        assert one == other
    assert world.call("get", "/v1/submissions", DURHAM).get_json() == {"submissions": []}
    assert len(world.call("get", "/v1/submissions", CLEVELAND).get_json()["submissions"]) == 1


def test_a_party_reads_what_it_needs_to_verify_its_agreement(world: World) -> None:
    found = world.call("get", f"/v1/agreements/{REFERENCE}", CLEVELAND).get_json()
    assert len(found["statements"]) == 6
    assert set(found["keys"]) == set(fingerprints(world.agreement))
    assert found["canonical"].encode() == world.row_canonical()
    problem(world.call("get", f"/v1/agreements/{REFERENCE}?version=2", CLEVELAND), 404, "unknown-agreement")
    problem(world.call("get", "/v1/agreements/LCJP-NONE", CLEVELAND), 404, "unknown-agreement")
    problem(world.call("get", f"/v1/agreements/{REFERENCE}/datasets/cats/contract", CLEVELAND), 404, "unknown-dataset")


def test_every_answer_forbids_sniffing_framing_and_storing(world: World) -> None:
    for _, method, path in WAYS:
        answer = world.call(method, path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
