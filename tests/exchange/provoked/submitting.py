"""What a submission may be refused for, step by step."""

import errno
from datetime import UTC, datetime
from unittest.mock import patch

from agreements.signing import Capacity, Voice
from exchange.db import writing
from exchange.register import partners
from exchange.submissions.restored import LostRow
from exchange.submissions.tables import SubmissionRow, SubmissionState
from tests.exchange import asking
from tests.exchange.provoked.scene import bearer, set_otherwise
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, Pushed, World, crimes, print_of

NOWHERE = f"sub-{'0' * 24}"


def manifests(world: World) -> None:
    """What is not announced as it must be."""
    world.open(world.prepare([crimes()], period="2019-01"))
    world.open(world.prepare([crimes()], agreement=f"sha256:{'0' * 64}"))
    world.open(world.prepare([crimes()], epoch=2))
    world.open(world.prepare([crimes()], totals={}))
    world.open(world.prepare([crimes(1, seed=number) for number in range(9)]))
    world.open(world.prepare([crimes()], after=NOWHERE))
    world.open(world.prepare([crimes()], sealing_key="seal-20200101-00000000"))
    world.open(world.prepare([crimes()], key=world.signing(f"{CLEVELAND}/client")))
    first = world.prepare([crimes()])
    world.open(first)
    world.open(world.prepare([crimes(2)], upload=first.manifest.upload))
    world.call("post", "/v1/submissions", headers=world.other_key(CLEVELAND), json=world.prepare([crimes(4)]).signed)


def quotas(world: World) -> None:
    """More than a supplier may leave unfinished."""
    first, second = world.prepare([crimes(2)], period="2021-05"), world.prepare([crimes()])
    world.open(first)
    for limit in ({"unfinished": 1}, {"staged_bytes": max(len(one.parts[0]) for one in (first, second))}):
        strict = set_otherwise(world, **limit)
        strict.open(second)
        strict.disconnect()


def erased(world: World) -> None:
    """The very content from which rows were erased."""
    world.hold([crimes(5)])
    asking.ask(world, "erasure", [asking.pseudonym(2)])
    world.open(world.prepare([crimes(5)], after=None))


def closed(world: World) -> None:
    """A caseload whose period closed: before it was announced, and while it was sent."""
    newer = world.version(2, mode='"snapshot"')
    world.enter(newer)
    world.sign_all(newer)

    def caseload(rows: int, after: str | None, period: str) -> Pushed:
        month = datetime.fromisoformat(f"{period}-01").date()
        return world.prepare([crimes(rows, month=month)], about=newer, mode="snapshot", after=after, period=period)

    once = caseload(2, None, "2021-04")
    world.send(once)
    world.process(once.id)
    world.open(caseload(3, once.id, "2021-04"))
    world.clock.now = datetime(2026, 11, 29, 9, tzinfo=UTC)  # two days before September's caseload closes
    before = caseload(4, None, "2026-09")
    world.send(before)
    world.process(before.id)
    late = caseload(5, before.id, "2026-09")
    world.open(late)
    world.put(late, 1)
    world.clock.forward(days=3)
    world.complete(late)


def strangers(world: World) -> None:
    """Submissions that are not there, or are not there any more."""
    with writing(world.hub.engine) as session:
        members = {"upload": "0" * 32, "reference": REFERENCE, "dataset": "crimes", "period": "2021-04", "had": "submission acknowledged"}
        session.add(LostRow(submission="sub-lost", supplier=CLEVELAND, lost_at=world.clock(), **members))
    for submission in (NOWHERE, "sub-lost"):
        everything(world, Pushed({}, [b"x"], submission))
        world.call("get", f"/v1/submissions/{submission}", CLEVELAND)


def everything(world: World, pushed: Pushed) -> None:
    """Every step after the first, and taking it back."""
    world.put(pushed, 1)
    world.complete(pushed)
    world.call("delete", f"/v1/submissions/{pushed.id}", CLEVELAND)


def parts(world: World) -> None:
    """Parts that are not those of the manifest, or come when none is taken."""
    pushed = world.prepare([crimes()])
    world.open(pushed)
    world.complete(pushed)
    part = pushed.parts[0]
    world.put(pushed, 1, body=part + b"x")
    world.put(pushed, 1, body=part[:-1])
    world.put(pushed, 1, body=part[:-1] + bytes([part[-1] ^ 1]), digest="sha-256=:AAAA:")
    world.put(pushed, 1, digest="")
    world.call("put", f"/v1/submissions/{pushed.id}/parts/2", CLEVELAND, data=part, headers={"Content-Digest": "sha-256=:AAAA:"})
    second = world.other_key(CLEVELAND)
    path = f"/v1/submissions/{pushed.id}"
    world.call("put", f"{path}/parts/1", headers=second, data=part)
    world.call("delete", path, headers=second)
    world.put(pushed, 1)
    world.call("post", f"{path}/complete", headers=second)
    done = world.hold([crimes(4)], DURHAM)
    world.call("put", f"/v1/submissions/{done.id}/parts/2", DURHAM, data=part)
    world.call("delete", f"/v1/submissions/{done.id}", DURHAM)
    _decided(world)


def _decided(world: World) -> None:
    """Two of whom the second part never came: one was decided meanwhile, and one's sealing key was destroyed."""
    for seed, state in ((7, SubmissionState.REFUSED), (8, SubmissionState.LAPSED)):
        pushed = world.prepare([crimes(seed=seed), crimes(seed=seed + 10)])
        world.open(pushed)
        with writing(world.hub.engine) as session:
            session.get_one(SubmissionRow, pushed.id).state = state
        world.put(pushed, 1)
        world.complete(pushed)


def disks(world: World) -> None:
    """A disk without room, and one that takes no more."""
    pushed = world.prepare([crimes()])
    world.open(pushed)
    full = set_otherwise(world, keep_free=1 << 62)
    full.put(pushed, 1)
    full.disconnect()
    digest = {"Content-Digest": "sha-256=:AAAA:", "Content-Type": "application/octet-stream"}
    headers = {**bearer(world.token(CLEVELAND)), **digest}
    with patch.object(
        type(world.hub.places.staging), "draft", side_effect=OSError(errno.EIO, "failing")
    ):  # no real disk fails when asked to
        world.call("put", f"/v1/submissions/{pushed.id}/parts/1", data=pushed.parts[0], headers=headers)


def suspended(world: World) -> None:
    """An agreement that was suspended while a submission was on its way; and a manifest key that was revoked."""
    half, whole, third = (world.prepare([crimes(seed=seed)]) for seed in (3, 4, 5))
    for pushed in (half, whole, third):
        world.open(pushed)
    for pushed in (whole, third):
        world.put(pushed, 1)
    headers = bearer(world.token(CLEVELAND))  # had while the client has a manifest key, and so may submit
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[f"{CLEVELAND}/manifest"]), "lost", world.clock())
    _go_on(world, third, headers)
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    _go_on(world, half, headers)
    _go_on(world, whole, headers)


def _go_on(world: World, pushed: Pushed, headers: dict[str, str]) -> None:
    digest = {"Content-Digest": "sha-256=:AAAA:", "Content-Type": "application/octet-stream"}
    world.call("put", f"/v1/submissions/{pushed.id}/parts/1", headers={**headers, **digest}, data=pushed.parts[0])
    world.call("post", f"/v1/submissions/{pushed.id}/complete", headers=headers)


SCENES = (manifests, quotas, erased, closed, strangers, parts, disks, suspended)
