"""What a recipient may be refused of an edition that was published."""

from agreements.signing import Capacity, Voice
from exchange.releases import spreadsheet
from tests.exchange.provoked.scene import away, bearer
from tests.exchange.releases import drafted
from tests.exchange.standing import DURHAM, OPERATOR, REFERENCE, RELEASE, TEAM, World, crimes
from tests.exchange.test_pulling import Published, issued, make_public, withdraw
from tests.folders import folder_of

LATEST, FEED = f"/v1/releases/{REFERENCE}/{RELEASE}/latest", f"/odata/{REFERENCE}/{RELEASE}"
FORMS = (("text/html", "by-area"), ("*/*", "nothing.csv"))


def published(world: World) -> Published:
    """An edition of a release that anybody may read."""
    make_public(world)
    world.hold([crimes(46, seed=2, authority=["Hartlepool"] * 30 + ["Middlesbrough"] * 12 + ["Stockton-on-Tees"] * 4)])
    world.hold([crimes(35, seed=1, authority=["Darlington"] * 30 + ["County Durham"] * 5)], DURHAM)
    edition = drafted.ask(world)
    drafted.publish(world, edition)
    return Published(world, edition, issued(world))


def _files(hub: Published) -> list[str]:
    return [f"/v1/editions/{hub.edition}/tables", LATEST, f"/public/editions/{hub.edition}"]


def _everything(hub: Published, headers: dict[str, str]) -> None:
    """Every address of an edition."""
    client = hub.world.app.test_client()
    addresses = [f"{folder}/by-area.csv" for folder in _files(hub)]
    addresses += [f"{FEED}/", f"{FEED}/$metadata", f"{FEED}/by_area", f"{FEED}/by_area/$count", LATEST, f"/v1/editions/{hub.edition}"]
    for path in addresses:
        client.get(path, headers=headers)


def _files_refused(hub: Published, headers: dict[str, str]) -> None:
    client = hub.world.app.test_client()
    for folder in _files(hub):
        for accept, name in FORMS:
            client.get(f"{folder}/{name}", headers={**headers, "Accept": accept})
        most, spreadsheet.MOST = spreadsheet.MOST, 1
        try:
            client.get(f"{folder}/edition.xlsx", headers=headers)
        finally:
            spreadsheet.MOST = most


def _feed_refused(hub: Published, headers: dict[str, str]) -> None:
    client = hub.world.app.test_client()
    for path in ("", "by_area"):
        client.get(f"{FEED}/{path}", headers={**headers, "Accept": "text/html"})
        client.get(f"{FEED}/{path}", headers={**headers, "OData-MaxVersion": "3.0"})
    for question in ("$apply=x", "$filter=count gt 5", "$filter=nothing eq 'a'", "$skiptoken=nothing"):
        client.get(f"{FEED}/by_area?{question}", headers=headers)
        client.get(f"{FEED}/by_area/$count?{question}", headers=headers)
    for path in ("nothing", "nothing/$count"):
        client.get(f"{FEED}/{path}", headers=headers)


def editions(world: World) -> None:
    """Files and rows: in no such form, too large, asked by a key that the agreement does not name, not to be logged, stopped, withdrawn."""
    hub = published(world)
    headers, second = bearer(world.token(TEAM)), world.other_key(TEAM)
    _files_refused(hub, headers)
    _feed_refused(hub, headers)
    _everything(hub, second)
    with away(folder_of(world.settings.second_store)):
        _everything(hub, headers)
    world.say(OPERATOR, Capacity.SIGNATORY, Voice.SUSPEND, world.agreement)
    _everything(hub, headers)
    withdraw(hub)
    world.say(OPERATOR, Capacity.SIGNATORY, Voice.RESUME, world.agreement)
    _everything(hub, headers)


SCENES = (editions,)
