"""Pulling: files at addresses that stay, tokens of one release, the feed, the catalogue, and what is written of all that."""

import base64
import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import rdflib
from werkzeug.test import TestResponse

from agreements.document import read
from agreements.openly import may_publish_openly
from exchange.app import doors_of, fit_to_serve
from exchange.db import reading, writing
from exchange.errors import RefusedByAgreement, Unacceptable
from exchange.log.tables import EntryRow
from exchange.register import agreements, dataset_tokens, partners
from exchange.register.dataset_token_tables import DatasetTokenRow
from exchange.register.dataset_tokens import Asked
from exchange.releases import publish
from exchange.releases.tables import EditionRow, EditionState
from exchange.restore import reapply
from exchange.restore.lost import read as read_lost
from tests.exchange.releases import drafted
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, RELEASE, TEAM, World, crimes, print_of, problem
from tests.exchange.test_access import ADDRESSES
from tests.folders import lying

LATEST = f"/v1/releases/{REFERENCE}/{RELEASE}/latest"
FEED = f"/odata/{REFERENCE}/{RELEASE}"
LICENCE = rdflib.URIRef("http://purl.org/dc/terms/license")
OTHER_FEED = "/odata/LCJP-MV7/another-release"


@dataclass
class Published:
    """A hub with one published edition, and a token of its release."""

    world: World
    edition: str
    token: str

    def get(self, path: str, token: str | None = None, *, method: str = "GET", **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {token or self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.world.app.test_client().open(path, method=method, headers=sent)

    def entries(self, what: str = "edition downloaded") -> list[dict[str, Any]]:
        with reading(self.world.hub.engine) as session:
            rows = session.query(EntryRow).order_by(EntryRow.number).all()
            return [dict(row.entry) for row in rows if row.entry and row.entry["what"] == what]


def issued(world: World, **members: Any) -> str:
    asked = Asked(**{"reference": REFERENCE, "release": RELEASE, "recipient": TEAM, "purpose": "a test", **members})
    with writing(world.hub.engine) as session:
        return dataset_tokens.issue(session, asked, "operator", world.clock())[1]


def make_public(world: World) -> None:
    """A second version, in force, that makes the release public."""
    words = world.words(version="2")
    assert f'name = "{RELEASE}"\n' in words
    newer = read(words.replace(f'name = "{RELEASE}"\n', f'name = "{RELEASE}"\npublic = true\n'))
    world.enter(newer)
    assert world.sign_all(newer) == "in-force"
    world.agreement = newer


@pytest.fixture(scope="module")
def filled(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """Not to be changed: copy it."""
    world = first_world.copy(tmp_path_factory.mktemp("pulling") / "hub")
    make_public(world)
    world.hold([crimes(46, seed=2, authority=["Hartlepool"] * 30 + ["Middlesbrough"] * 12 + ["Stockton-on-Tees"] * 4)])
    world.hold([crimes(35, seed=1, authority=["Darlington"] * 30 + ["County Durham"] * 5)], DURHAM)
    edition = drafted.ask(world)
    drafted.publish(world, edition)
    yield world, edition
    world.close()


@pytest.fixture
def hub(filled: tuple[World, str], tmp_path: Any) -> Iterator[Published]:
    world = filled[0].copy(tmp_path / "hub")
    world.agreement = filled[0].agreement
    yield Published(world, filled[1], issued(world))
    world.close()


# ------------------------------------------------------------------------------------------------------------- files


def test_the_newest_file_and_the_same_at_its_own_address(hub: Published) -> None:
    newest = hub.get(f"{LATEST}/by-area.csv")
    assert newest.status_code == 200
    fixed = hub.get(newest.headers["Content-Location"])
    assert newest.headers["Content-Location"] == f"/v1/editions/{hub.edition}/tables/by-area.csv"
    for answer in (newest, fixed):
        sha256 = hashlib.sha256(answer.data)
        assert answer.headers["ETag"] == f'"{sha256.hexdigest()}"'
        assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"
        assert answer.headers["Last-Modified"] == "Sun, 22 Nov 2026 09:30:00 GMT"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        name = "lcjp-mv7-mv7-outcomes-2021-04-by-area.csv"
        assert answer.headers["Content-Disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    assert newest.data == fixed.data
    described = hub.get(newest.headers["Link"].partition(">")[0].removeprefix("<"))
    assert described.mimetype == "application/csvm+json"
    assert described.get_json()["url"] == "by-area.csv"


def test_nothing_is_sent_or_written_where_nothing_has_changed(hub: Published) -> None:
    first = hub.get(f"{LATEST}/by-area.parquet")
    written = len(hub.entries())
    assert written == 1
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    for path, more in (
        (f"{LATEST}/by-area.parquet", {"If_None_Match": tag}),
        (f"{LATEST}/by-area.parquet", {"If_None_Match": f'"x", {tag}'}),
        (first.headers["Content-Location"], {"If_None_Match": tag}),
        (first.headers["Content-Location"], {"If_Modified_Since": changed}),
    ):
        again = hub.get(path, **more)
        assert (again.status_code, again.data) == (304, b""), path
        assert again.headers["ETag"] == tag
    # Of “latest” a time says nothing: an older edition may take the place of a withdrawn one.
    assert hub.get(f"{LATEST}/by-area.parquet", If_Modified_Since=changed).status_code == 200
    head = hub.get(f"{LATEST}/by-area.parquet", method="HEAD")
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(first.data))
    assert len(hub.entries()) == written  # the second download is within the minute, and counted


def test_a_poll_is_counted_and_logged_once_a_minute(hub: Published) -> None:
    for _ in range(5):
        assert hub.get(f"{LATEST}/by-area.csv").status_code == 200
    hub.world.clock.forward(seconds=61)
    assert hub.get(f"{LATEST}/by-area.csv").status_code == 200
    entries = hub.entries()
    assert len(entries) == 2
    assert entries[0]["operation"] == "disclosure"
    assert entries[0]["recipient"] == TEAM
    assert entries[0]["details"]["token"] == hub.token.split("_")[1]
    assert entries[0]["details"]["file"] == "by-area.csv"
    assert [one["details"]["times"] for one in hub.entries("the same again")] == [4]


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("application/vnd.apache.parquet, text/csv;q=0.5", "application/vnd.apache.parquet"),
    ],
)
def test_a_table_without_an_ending_comes_in_the_form_that_is_accepted(hub: Published, accept: str, mimetype: str) -> None:
    assert hub.get(f"{LATEST}/by-area", Accept=accept).mimetype == mimetype
    problem(hub.get(f"{LATEST}/by-area", Accept="text/html"), 406, "no-such-form")
    problem(hub.get(f"{LATEST}/nothing"), 404, "no-such-file")
    problem(hub.get(f"{LATEST}/nothing.csv"), 404, "no-such-file")


def test_excel_gets_its_byte_order_mark_where_it_asks(hub: Published) -> None:
    plain, marked = hub.get(f"{LATEST}/by-area.csv"), hub.get(f"{LATEST}/by-area.csv?bom=1")
    assert marked.data == b"\xef\xbb\xbf" + plain.data
    assert marked.headers["ETag"] != plain.headers["ETag"]
    assert hub.get(f"{LATEST}/by-area.csv?bom=2").status_code == 422


def test_the_spreadsheet_is_the_same_bytes_each_time(hub: Published) -> None:
    first = hub.get(f"{LATEST}/edition.xlsx")
    assert first.mimetype == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    again = hub.get(f"/v1/editions/{hub.edition}/tables/edition.xlsx")
    assert again.data == first.data
    assert 'filename="lcjp-mv7-mv7-outcomes-2021-04.xlsx"' in first.headers["Content-Disposition"]
    assert hub.entries()[0]["details"]["sha256"] == f"sha256:{hashlib.sha256(first.data).hexdigest()}"


# ------------------------------------------------------------------------------------------------------------ tokens


def test_a_token_of_one_release_opens_nothing_else(hub: Published) -> None:
    opened = set()
    for endpoint, (methods, path) in ADDRESSES.items():
        for method in methods:
            answer = hub.get(path.replace("ed-x", hub.edition), method=method.upper())
            if answer.status_code == 200:
                opened.add(endpoint)
            elif endpoint not in ("tokens.Token", "public.PublicFile"):
                problem(answer, 403, "forbidden")
    anybodys = {"service.health", "service.ready", "api-docs.openapi_json", "public.PublicCatalogue", "public.PublicFile"}
    assert opened - anybodys == {"editions.TableFile", "pulling.LatestFile", "odata.Service", "odata.Metadata", "odata.Rows", "odata.Count"}
    for path in (OTHER_FEED, f"/v1/releases/{REFERENCE}/other/latest/by-area.csv", f"/v1/releases/LCJP-NONE/{RELEASE}/latest/by-area.csv"):
        problem(hub.get(path), 404, "unknown-agreement")
    problem(hub.get(f"/v1/editions/ed-{'0' * 16}/tables/by-area.csv"), 404, "unknown-agreement")


def test_of_another_release_it_does_not_know_even_that_an_edition_was_withdrawn(hub: Published) -> None:
    with writing(hub.world.hub.engine) as session:
        row = session.get_one(DatasetTokenRow, hub.token.split("_")[1])
        row.release = "another-release"
    problem(hub.get(f"/v1/editions/{hub.edition}/tables/by-area.csv"), 404, "unknown-agreement")
    problem(hub.get(f"{LATEST}/by-area.csv"), 404, "unknown-agreement")


@pytest.mark.parametrize("spoilt", ["", "lcjp-dt_", "lcjp-dt_0000000000000000_" + "A" * 43, "last", "é"])
def test_what_is_no_token_is_refused(hub: Published, spoilt: str) -> None:
    token = (
        hub.token[:-1] + ("A" if hub.token[-1] != "A" else "B") if spoilt == "last" else f"lcjp-dt_{spoilt}" if spoilt == "é" else spoilt
    )
    answer = hub.world.app.test_client().get(
        f"{FEED}/", headers={"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()}
    )
    found = problem(answer, 401, "bad-token")
    assert "A" * 43 not in json.dumps(found)
    assert answer.headers["WWW-Authenticate"] == 'Bearer, Basic realm="one release", charset="UTF-8"'


def test_basic_credentials_are_the_token_as_password_whoever_says_so(hub: Published) -> None:
    for name in ("", "anybody", TEAM, "wer:immer"):
        told = base64.b64encode(f"{name.partition(':')[0]}:{hub.token}".encode()).decode()
        assert hub.world.app.test_client().get(f"{FEED}/", headers={"Authorization": f"Basic {told}"}).status_code == 200
    assert hub.world.app.test_client().get(f"{FEED}/").status_code == 401
    for odd in ("Basic", "Basic !!", f"Basic {'x' * 3000}", f"Digest {hub.token}"):
        assert hub.world.app.test_client().get(f"{FEED}/", headers={"Authorization": odd}).status_code == 401


def test_tokens_end(hub: Published) -> None:
    identity = hub.token.split("_")[1]
    hub.world.clock.forward(days=89)
    assert hub.get(f"{LATEST}/by-area.csv").status_code == 200
    hub.world.clock.forward(days=2)
    problem(hub.get(f"{LATEST}/by-area.csv"), 401, "expired-token")
    hub.token = issued(hub.world)
    with writing(hub.world.hub.engine) as session:
        dataset_tokens.revoke(session, identity, "operator", "a test", hub.world.clock())
        dataset_tokens.revoke(session, identity, "operator", "a test", hub.world.clock())
    assert hub.get(f"{LATEST}/by-area.csv").status_code == 200
    assert len(hub.entries("dataset token revoked")) == 1
    with writing(hub.world.hub.engine) as session:
        dataset_tokens.revoke(session, hub.token.split("_")[1], "operator", "a test", hub.world.clock())
    problem(hub.get(f"{LATEST}/by-area.csv"), 401, "revoked-token")


def test_a_token_falls_with_the_recipients_key(hub: Published) -> None:
    with writing(hub.world.hub.engine) as session:
        partners.revoke(session, print_of(hub.world.keys[f"{TEAM}/client"]), "lost", hub.world.clock())
    problem(hub.get(f"{LATEST}/by-area.csv"), 401, "revoked-key")
    with pytest.raises(Unacceptable):
        issued(hub.world)


def test_a_token_may_be_bound_to_networks(hub: Published) -> None:
    bound = issued(hub.world, networks=["198.51.100.0/24", "2001:db8::/32"])
    for address, good in (
        ("198.51.100.7", True),
        ("2001:db8::7", True),
        ("::ffff:198.51.100.7", True),
        ("198.51.101.7", False),
        ("", False),
    ):
        answer = hub.world.app.test_client().get(
            f"{FEED}/", headers={"Authorization": f"Bearer {bound}"}, environ_base={"REMOTE_ADDR": address}
        )
        assert answer.status_code == (200 if good else 401), address
        assert good or answer.get_json()["code"] == "wrong-network"


def test_who_gets_no_token(hub: Published) -> None:
    strangers: tuple[dict[str, Any], ...] = ({"reference": "LCJP-NONE"}, {"release": "none"}, {"recipient": CLEVELAND})
    for members in strangers:
        with pytest.raises(RefusedByAgreement):
            issued(hub.world, **members)
    networks: tuple[dict[str, Any], ...] = ({"networks": ["198.51.100.7/24"]}, {"networks": ["anywhere"]})
    for members in ({"life": timedelta(days=367)}, {"life": timedelta()}, *networks):
        with pytest.raises(Unacceptable):
            issued(hub.world, **members)


def test_the_hub_keeps_no_token(hub: Published) -> None:
    hub.get(f"{LATEST}/by-area.csv")
    hub.world.disconnect()
    word = hub.token.split("_", 2)[2].encode()  # it may have a "_" of its own
    kept = {str(path): path.read_bytes() for path in hub.world.folder.rglob("*") if path.is_file()}
    for path, content in (kept | lying(hub.world.settings, "objects", "staging", "keystore", "second_store")).items():
        assert word not in content, path
    told = hub.entries("dataset token issued")
    assert told[0]["details"]["release"] == RELEASE
    assert told[0]["organisation"] == hub.world.agreement.recipients[0].party


# -------------------------------------------------------------------------------------------------------------- feed


def rows_of(hub: Published, path: str, **headers: str) -> list[dict[str, Any]]:
    """Every row, page after page."""
    found: list[dict[str, Any]] = []
    pages = 0
    while path:
        answer = hub.get(path, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["OData-Version"] == "4.0"
        document = answer.get_json()
        found += document["value"]
        path = document.get("@odata.nextLink", "").removeprefix("http://localhost")
        pages += 1
        assert pages < 500
    return found


def published(hub: Published, table: str = "by-area") -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = hub.get(f"{LATEST}/{table}.json").get_json()["records"]
    return records


def test_the_feed_says_what_the_file_says_however_it_is_paged(hub: Published) -> None:
    wanted = published(hub)
    assert len(wanted) > 100
    assert rows_of(hub, f"{FEED}/by_area") == wanted
    assert rows_of(hub, f"{FEED}/by_area", Prefer="odata.maxpagesize=7") == wanted
    service = hub.get(f"{FEED}/").get_json()
    assert [one["name"] for one in service["value"]] == ["by_area", "by_type", "months_to_outcome"]
    assert hub.get(FEED).get_json() == service
    assert int(hub.get(f"{FEED}/by_area/$count").text) == len(wanted)


def test_what_is_asked_is_what_plain_python_picks(hub: Published) -> None:
    wanted = published(hub)
    dimensions = [name for name in wanted[0] if not name.startswith("count")]
    where = "force eq 'Cleveland' and (group eq 'Charged' or group ne 'All outcomes') and authority ne 'All places'"
    picked = [
        one
        for one in wanted
        if one["force"] == "Cleveland"
        and (one["group"] == "Charged" or one["group"] != "All outcomes")
        and one["authority"] != "All places"
    ]
    assert 0 < len(picked) < len(wanted)
    assert rows_of(hub, f"{FEED}/by_area?$filter={where}") == picked
    assert int(hub.get(f"{FEED}/by_area/$count?$filter={where}").text) == len(picked)
    first = hub.get(
        f"{FEED}/by_area?$filter={where}&$top=5&$skip=3&$count=true&$select=group,count&$orderby=group desc,authority"
    ).get_json()
    ordered = sorted(sorted(picked, key=lambda one: str(one["authority"])), key=lambda one: str(one["group"]), reverse=True)
    assert first["@odata.count"] == len(picked)
    assert first["value"] == [{"group": one["group"], "count": one["count"]} for one in ordered[3:8]]
    assert first["@odata.context"].endswith("$metadata#by_area(group,count)")
    assert rows_of(hub, f"{FEED}/by_area?$filter={where}&$top=20&$skip=3", Prefer="maxpagesize=6") == picked[3:23]
    none_first = rows_of(hub, f"{FEED}/by_area?$orderby=count")
    shown = [one["count"] for one in none_first]
    hidden = shown.count(None)
    assert hidden > 0
    assert shown == [None] * hidden + sorted(one for one in shown if one is not None)
    assert dimensions == ["force", "authority", "month", "group"]


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("$filter=count gt 5", 501, "not-offered"),
        ("$filter=count eq '5'", 501, "not-offered"),
        ("$filter=contains(force,'C')", 501, "not-offered"),
        ("$filter=not (force eq 'C')", 501, "not-offered"),
        ("$expand=x", 501, "not-offered"),
        ("$apply=groupby((force))", 501, "not-offered"),
        ("$filter=force eq", 400, "bad-question"),
        ("$filter=force eq 'a' force", 400, "bad-question"),
        ("$filter=force eq 'a", 400, "bad-question"),
        ("$filter=nothing eq 'a'", 400, "bad-question"),
        ("$filter=" + "(" * 60 + "force eq 'a'" + ")" * 60, 400, "bad-question"),
        ("$orderby=force sideways", 400, "bad-question"),
        ("$orderby=nothing", 400, "bad-question"),
        ("$select=nothing", 400, "bad-question"),
        ("$skiptoken=nothing", 400, "bad-question"),
        ("$skiptoken=ed-x.5", 404, "unknown-agreement"),
        ("$format=xml", 406, "no-such-form"),
        ("$top=-1", 422, "unprocessable-entity"),
        ("colour=red", 422, "unprocessable-entity"),
    ],
)
def test_other_questions_are_answered_as_such(hub: Published, question: str, status: int, code: str) -> None:
    problem(hub.get(f"{FEED}/by_area?{question}"), status, code)
    problem(hub.get(f"{FEED}/by_area", Accept="text/html"), 406, "no-such-form")
    problem(hub.get(f"{FEED}/nothing"), 404, "no-such-file")
    problem(hub.get(f"{FEED}/by_area", OData_MaxVersion="3.0"), 400, "bad-question")


def test_quotes_in_a_filter_are_text_and_nothing_more(hub: Published) -> None:
    assert rows_of(hub, f"{FEED}/by_area?$filter=force eq 'O''Brien'' or 1 eq 1 --'") == []


def test_a_feed_is_asked_again_for_nothing(hub: Published) -> None:
    first = hub.get(f"{FEED}/by_area")
    assert hub.get(f"{FEED}/by_area", If_None_Match=first.headers["ETag"]).status_code == 304
    assert len(hub.entries()) == 1
    assert hub.entries()[0]["details"]["file"] == "by-area (OData)"


# ------------------------------------------------------------------------------------------------------- withdrawals


def withdraw(hub: Published) -> None:
    """As a signed withdrawal leaves it (tests of withdrawing are elsewhere)."""
    with writing(hub.world.hub.engine) as session:
        row = session.get_one(EditionRow, hub.edition)
        row.state, row.ended, row.withdrawn_at = EditionState.WITHDRAWN, "One force sent rows twice.", hub.world.clock()


def test_a_withdrawn_edition_is_gone_wherever_it_was_and_latest_moves_on(hub: Published) -> None:
    withdraw(hub)
    fixed, public = f"/v1/editions/{hub.edition}/tables/by-area.csv", f"/public/editions/{hub.edition}/by-area.csv"
    for path in (
        fixed,
        public,
        f"{LATEST}/by-area.csv",
        f"{FEED}/",
        f"{FEED}/by_area?$skiptoken={hub.edition}.5",
        f"{fixed[:-10]}edition.xlsx",
    ):
        found = problem(hub.get(path), 410, "edition-withdrawn")
        assert (found["successor"], found["reason"]) == (None, "One force sent rows twice.")
    assert hub.entries() == []
    text = hub.world.app.test_client().get("/public/catalogue.jsonld").text
    assert "dataset-status/WITHDRAWN" in text
    assert "downloadURL" not in text
    assert "One force sent rows twice." in text
    newer = drafted.ask(hub.world)
    drafted.publish(hub.world, newer)
    assert hub.get(f"{LATEST}/by-area.csv").headers["Content-Location"] == f"/v1/editions/{newer}/tables/by-area.csv"
    assert problem(hub.get(fixed), 410, "edition-withdrawn")["successor"] == newer
    (row,) = graph_of(hub.get("/v1/catalogue", hub.world.token(TEAM))).subject_objects(
        rdflib.URIRef("http://purl.org/dc/terms/isReplacedBy")
    )
    assert (str(row[0]).partition("#")[2], str(row[1]).partition("#")[2]) == (hub.edition, newer)


def test_a_revocation_that_a_restore_lost_is_done_again(hub: Published) -> None:
    identity = hub.token.split("_")[1]
    entry = {
        "operation": "security",
        "what": "dataset token revoked",
        "subject": identity,
        "who": "operator",
        "purpose": REFERENCE,
        "details": {},
    }
    lost = read_lost([{**entry, "number": 1, "organisation": "", "recipient": TEAM}])
    assert lost.dataset_tokens == {identity}
    with writing(hub.world.hub.engine) as session:
        assert reapply.revoke(session, lost, hub.world.clock()) == [identity]
        assert reapply.revoke(session, lost, hub.world.clock()) == []
    problem(hub.get(f"{LATEST}/by-area.csv"), 401, "revoked-token")


# --------------------------------------------------------------------------------------------------------- catalogue


def graph_of(answer: TestResponse) -> rdflib.Graph:
    """The triples, as an independent reader finds them."""
    assert answer.status_code == 200, answer.text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the reader's own insides
        return rdflib.Graph().parse(data=answer.text, format="json-ld")


def test_the_catalogue_is_dcat_and_its_links_lead_to_what_they_say(hub: Published) -> None:
    token = hub.world.token(TEAM)
    answer = hub.get("/v1/catalogue", token)
    assert answer.mimetype == "application/ld+json"
    graph = graph_of(answer)
    dcat, spdx = rdflib.Namespace("http://www.w3.org/ns/dcat#"), rdflib.Namespace("http://spdx.org/rdf/terms#")
    assert len(list(graph.subjects(rdflib.RDF.type, dcat.DatasetSeries))) == 1
    (dataset,) = graph.subjects(rdflib.RDF.type, dcat.Dataset)
    assert (None, dcat.dataset, dataset) in graph
    distributions = list(graph.objects(dataset, dcat.distribution))
    assert len(distributions) == 3 * 4 + 1
    for one in distributions:
        (address,) = graph.objects(one, dcat.downloadURL)
        found = hub.get(str(address).removeprefix("http://localhost"), token)
        assert found.status_code == 200, address
        sums = [str(value) for sum_ in graph.objects(one, spdx.checksum) for value in graph.objects(sum_, spdx.checksumValue)]
        assert sums == ([] if str(address).endswith(".xlsx") else [hashlib.sha256(found.data).hexdigest()])
        (media,) = graph.objects(one, dcat.mediaType)
        assert str(media).endswith(found.mimetype or "?")
    problem(hub.get("/v1/catalogue"), 403, "forbidden")


def test_what_is_public_is_for_anybody_and_nothing_is_written_of_it(hub: Published) -> None:
    public = hub.world.app.test_client()
    assert hub.world.agreement.releases[0].public
    before = len(hub.entries())
    graph = graph_of(public.get("/public/catalogue.jsonld"))
    addresses = [str(one) for one in graph.objects(None, rdflib.URIRef("http://www.w3.org/ns/dcat#downloadURL"))]
    assert len(addresses) == 3 * 4 + 1
    for address in addresses:
        answer = public.get(address.removeprefix("http://localhost"))
        assert answer.status_code == 200
        assert public.get(address.removeprefix("http://localhost"), headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert len(hub.entries()) == before
    assert not list(graph.objects(None, LICENCE))  # nobody has chosen one
    chosen = replace(hub.world.hub.settings, public_licence="https://licence.example/3")
    app = doors_of(fit_to_serve(chosen, hub.world.clock))
    licences = list(graph_of(app.test_client().get("/public/catalogue.jsonld")).objects(None, LICENCE))
    assert [str(one) for one in licences] == ["https://licence.example/3"] * len(addresses)
    app.extensions["lcjp-hub"].engine.dispose()
    app.extensions["lcjp-hub"].asker.dispose()
    problem(public.get("/public/editions/ed-x/by-area.csv"), 404, "unknown-agreement")
    problem(public.get(f"/public/editions/{hub.edition}/nothing.csv"), 404, "no-such-file")


def test_what_a_newer_version_makes_public_no_more_is_unknown(hub: Published) -> None:
    public, newer = hub.world.app.test_client(), read(hub.world.words(version="3"))
    address = f"/public/editions/{hub.edition}/by-area.csv"
    assert public.get(address).status_code == 200
    hub.world.enter(newer)
    assert public.get(address).status_code == 200  # proposed is not yet agreed
    assert hub.world.sign_all(newer) == "in-force"
    problem(public.get(address), 404, "unknown-agreement")
    assert hub.edition not in public.get("/public/catalogue.jsonld").text


def test_no_figure_of_the_feed_is_had_without_an_entry(hub: Published) -> None:
    """Neither by headers alone nor by a guessed tag: the tag says what was asked, and nothing of the answer."""
    name = hub.get(f"{FEED}/").get_json()["value"][0]["name"]
    assert hub.entries() == []
    head = hub.get(f"{FEED}/{name}?$top=1", method="HEAD")
    assert (head.status_code, len(hub.entries())) == (200, 1)
    whole = hub.get(f"{FEED}/{name}?$top=1")
    assert whole.headers["ETag"] == head.headers["ETag"] != f'"{hashlib.sha256(whole.data).hexdigest()}"'
    assert hub.get(f"{FEED}/{name}?$top=1", If_None_Match=whole.headers["ETag"]).status_code == 304
    others = [hub.get(f"{FEED}/{name}{more}").headers["ETag"] for more in ("", "?$top=2", "?$top=2&$skip=1")]
    others.append(hub.get(f"{FEED}/{name}?$top=1", Prefer="odata.maxpagesize=1").headers["ETag"])
    assert len({*others, whole.headers["ETag"]}) == 5


def test_what_may_be_read_openly(hub: Published) -> None:
    """By the agreement's own state: a suspension stops it, an end does not, and what is not public is unknown."""
    with reading(hub.world.hub.engine) as session:
        row = agreements.current(session, REFERENCE)
        standing, now = agreements.standing(row), hub.world.clock()
        assert standing is not None
        found = {
            state: may_publish_openly(type(standing)(standing.agreement, state), RELEASE, now)
            for state in ("proposed", "in-force", "suspended", "expired", "terminated", "withdrawn")
        }
        assert {state for state, decision in found.items() if decision} == {"in-force", "expired", "terminated"}
        one = type(standing)(standing.agreement, "in-force", frozenset({"outcomes"}))
        assert not may_publish_openly(one, RELEASE, now)
        assert not may_publish_openly(standing, "none", now)
        assert not may_publish_openly(None, RELEASE, now)
        assert not may_publish_openly(standing, RELEASE, now - timedelta(days=20_000))
        assert publish.receive(session, hub.edition, TEAM, now).id == hub.edition
