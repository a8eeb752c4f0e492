"""What every operation refuses before it looks at what is asked, and what may befall each."""

import errno

from sqlalchemy.exc import IntegrityError

from exchange.db import writing
from exchange.register import dataset_tokens, partners
from keys.sign import SigningKey
from tests.exchange.provoked.scene import EVERY, PRIVATE, Way, ask, away, bearer, reader, set_otherwise
from tests.exchange.standing import CLEVELAND, TEAM, URL, World

FORM = "application/x-www-form-urlencoded"


def tokens(world: World) -> dict[str | None, dict[str, str]]:
    """Headers that show each client, and nobody."""
    return {None: {}, **{client: bearer(world.token(client)) for client in (CLEVELAND, TEAM)}}


def outside(world: World) -> None:
    """Whatever is asked, and whoever asks: the host, the address, the headers, a body without its length, packed, or of another type."""
    shown = tokens(world)
    for way in EVERY:
        mine, mark = shown[way.client], "&" if "?" in way.path else "?"
        ask(world, way, {**mine, "Host": "elsewhere.example"})
        ask(world, way, mine, path=f"{way.path}{mark}x={'x' * 3_000}")
        ask(world, way, {**mine, "X-One": "x" * 20_000})
        ask(world, way, {**mine, "Transfer-Encoding": "chunked"})
        ask(world, way, {**mine, "Content-Encoding": "gzip"})
        ask(world, way, mine, data=b"x", content_type="text/plain")


def shape(world: World) -> None:
    """A body or a question of another shape than the operation takes."""
    shown = tokens(world)
    for way in EVERY:
        mine, mark = shown[way.client], "&" if "?" in way.path else "?"
        ask(world, way, mine, path=f"{way.path}{mark}colour=red")
        if way.method == "post":
            ask(world, way, mine, json=[])
            ask(world, way, mine, data=b"x" * (5 << 20), content_type=FORM if way.client is None else "application/json")
            ask(world, way, mine, data=b"colour=red", content_type=FORM)


def nobody(world: World) -> None:
    """Tokens that are none, or none any more; and those of another role."""
    shown = tokens(world)
    dataset, revoked, bound = reader(world), reader(world), reader(world, networks=["198.51.100.0/24"])
    with writing(world.hub.engine) as session:
        dataset_tokens.revoke(session, revoked.split("_")[1], "operator", "a test", world.clock())
    for way in PRIVATE:
        for headers in ({}, bearer("x.y.z"), bearer(revoked), bearer(bound)):
            ask(world, way, headers, environ_base={"REMOTE_ADDR": "192.0.2.1"})
        ask(world, way, shown[way.stranger] if way.stranger else bearer(dataset))
    with writing(world.hub.engine) as session:
        for client in (CLEVELAND, TEAM):
            partners.revoke(session, world.signing(f"{client}/client").public.fingerprint, "lost", world.clock())
    for way in PRIVATE:
        ask(world, way, shown[way.client])
    world.clock.forward(minutes=6)
    for way in PRIVATE:
        ask(world, way, shown[way.client])


def floods(world: World) -> None:
    """More requests than somebody may make in a minute."""
    shown = tokens(world)
    slow = set_otherwise(world, tries_per_minute=1, calls_per_minute=1)
    for way in EVERY:
        for _ in range(2):
            ask(slow, way, shown[way.client])
    slow.disconnect()


def without_database(world: World) -> None:
    """The database cannot be reached."""
    shown = tokens(world)
    world.disconnect()
    for extra in ("hub.sqlite-wal", "hub.sqlite-shm"):
        (world.folder / extra).unlink(missing_ok=True)
    assertion = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": world.assertion(CLEVELAND),
    }
    with away(world.folder / "hub.sqlite"):
        for way in EVERY:
            ask(world, way, shown[way.client], **({"data": assertion} if way.endpoint == "tokens.Token" else {}))
        world.disconnect()


def befalling(world: World) -> None:
    """What may befall any operation, at one of them: an error that nobody foresaw, a full disk, and two who do the same at once."""
    errors = (
        ValueError("nobody foresaw it"),
        OSError(errno.ENOSPC, "full"),
        IntegrityError("insert", {}, Exception("UNIQUE constraint failed")),
    )
    headers, usual = tokens(world)[CLEVELAND], world.app.view_functions["agreements.Agreements"]
    for error in errors:

        def fail(raised: Exception = error) -> str:
            raise raised

        world.app.view_functions["agreements.Agreements"] = fail
        ask(world, Way("agreements.Agreements", "get", "/v1/agreements"), headers)
    world.app.view_functions["agreements.Agreements"] = usual


def assertions(world: World) -> None:
    """Assertions that show no client."""
    now = int(world.clock().timestamp())
    good = world.assertion(CLEVELAND)
    world.authenticate(good)
    world.authenticate(good)
    world.authenticate(world.assertion(CLEVELAND, aud=f"{URL}/elsewhere"))
    world.authenticate(world.assertion(CLEVELAND, iat=now - 600, exp=now - 300))
    world.authenticate(world.assertion(CLEVELAND, key=SigningKey.generate()))
    world.authenticate("x")
    world.authenticate(good, grant_type="password")


SCENES = (outside, shape, nobody, floods, without_database, assertions)
ANYWHERE = (befalling,)
