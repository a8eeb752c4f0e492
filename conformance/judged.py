"""What is demanded of a client, judged from what it sent and was answered while the judge stood before its hub. Pure rules over values."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from conformance.clauses import Deviates, DoesNotApply, Suite, demand
from keys.encoding import parse_json, unb64
from keys.errors import BadFormat

PLANTED_PAUSE = 2  # seconds that the judge asks a client to wait


@dataclass(frozen=True)
class Exchange:
    """One request of the client. ``at``: seconds on the judge's clock; ``did``: what the judge did, empty where it only passed it on."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes
    did: str = ""

    def is_(self, method: str, ending: str) -> bool:
        """Whether it is a request of this method to an address without its parameters that ends so."""
        return self.method == method and self.path.partition("?")[0].endswith(ending)

    @property
    def part(self) -> bool:
        """Whether a part was put."""
        return self.method == "PUT" and "/parts/" in self.path

    @property
    def announces(self) -> bool:
        """Whether a manifest was posted."""
        return self.is_("POST", "/v1/submissions")

    @property
    def asks(self) -> bool:
        """Whether it asked how a submission stands."""
        return self.method == "GET" and "/v1/submissions/" in self.path

    def said(self) -> dict[str, Any]:
        """The JSON object that was answered; empty where it was none."""
        return _object(self.answer)

    def sent(self) -> dict[str, Any]:
        """The JSON object that was sent; empty where it was none."""
        return _object(self.body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = parse_json(body, limit=16 << 20)
    except BadFormat:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class Watched:
    """Everything that a client sent, in order."""

    audience: str
    exchanges: list[Exchange] = field(default_factory=list)

    def of(self, did: str) -> int:
        """Where the judge did something, once; not applicable where it has not come to it."""
        found = next((number for number, one in enumerate(self.exchanges) if one.did == did), None)
        if found is None:
            raise DoesNotApply(f"the client never came to where the judge does this: {did}")
        return found

    def after(self, number: int) -> Sequence[Exchange]:
        """What followed."""
        return self.exchanges[number + 1 :]

    def assertions(self) -> Iterator[dict[str, Any]]:
        """The claims of every assertion."""
        for one in self.exchanges:
            if one.is_("POST", "/oauth2/token"):
                form = parse_qs(one.body.decode("ascii", "replace"))
                yield _object(unb64(form["client_assertion"][0].split(".")[1]))


CLIENT: Suite[Watched] = Suite()
FORGED_KEY, REFUSED_ONCE, ANSWER_LOST, FORGED_RECEIPT = "forged sealing key", "503 once", "answer lost", "forged receipt"
IN, SUBMITTING = "api.md, Getting in", "api.md, Submitting"


@CLIENT.clause("client-assertion", IN, "Every assertion is new, for this hub alone, and lives at most 300 seconds")
def assertion(seen: Watched) -> None:
    claims = list(seen.assertions())
    if not claims:
        raise DoesNotApply("the client asked for no token")
    demand(len({one["jti"] for one in claims}) == len(claims), "a jti was used twice")
    demand(all(one["aud"] in (seen.audience, [seen.audience]) for one in claims), "the audience is not the hub's token address, alone")
    demand(all(0 < one["exp"] - one["iat"] <= 300 for one in claims), "an assertion lives longer than 300 seconds")


@CLIENT.clause("client-lengths", "api.md", "Bodies come with Content-Length, not in chunks and not packed")
def lengths(seen: Watched) -> None:
    bodies = [one for one in seen.exchanges if one.method in ("PUT", "POST") and one.body]
    if not bodies:
        raise DoesNotApply("the client sent no body")
    demand(all("content-length" in one.headers for one in bodies), "a body came without Content-Length")
    demand(not any("content-encoding" in one.headers for one in bodies), "a body came packed")


@CLIENT.clause("client-digest", SUBMITTING, "Every part comes with the Content-Digest of its bytes")
def digests(seen: Watched) -> None:
    parts = [one for one in seen.exchanges if one.part]
    if not parts:
        raise DoesNotApply("the client put no part")
    for one in parts:
        right = "sha-256=:" + base64.b64encode(hashlib.sha256(one.body).digest()).decode() + ":"
        demand(one.headers.get("content-digest") == right, "a part's Content-Digest is missing, or is of other bytes")


@CLIENT.clause("client-forged-key", "formats.md, section 8", "Nothing is sealed to a key that the hub's identity key has not signed")
def forged_key(seen: Watched) -> None:
    planted = seen.of(FORGED_KEY)
    for one in seen.after(planted):
        if one.is_("GET", "/contract") and one.status == 200:
            return
        demand(not (one.announces or one.part), "the client announced a submission after a contract whose sealing key was forged")


@CLIENT.clause("client-waits", "api.md, When something is refused", "After 503 the same is asked again, and not before Retry-After")
def waits(seen: Watched) -> None:
    planted = seen.of(REFUSED_ONCE)
    asked = seen.exchanges[planted]
    again = next((one for one in seen.after(planted) if (one.method, one.path, one.body) == (asked.method, asked.path, asked.body)), None)
    if again is None:
        demand(any(one.announces for one in seen.after(planted)), "the client never came again after 503")
        raise Deviates("the client came again with another manifest after 503")
    if again.at - asked.at < PLANTED_PAUSE:
        raise Deviates(f"the client came again after {again.at - asked.at:.2f} seconds, and had been asked to wait {PLANTED_PAUSE}")


@CLIENT.clause("client-resumes", SUBMITTING, "A part whose answer was lost is put again, the same bytes, or asked after")
def resumes(seen: Watched) -> None:
    planted = seen.of(ANSWER_LOST)
    lost = seen.exchanges[planted]
    for one in seen.after(planted):
        if one.part and one.path == lost.path:
            demand(one.body == lost.body, "other bytes were put under the same number")
            return
        if one.asks or one.announces:
            return
    raise Deviates("the client never came back to a part whose answer was lost")


@CLIENT.clause("client-one-upload", SUBMITTING, "What is tried again is the same upload: nothing is submitted twice")
def one_upload(seen: Watched) -> None:
    opened = [one for one in seen.exchanges if one.announces and one.status in (200, 201)]
    if not opened:
        raise DoesNotApply("the client opened no submission")
    uploads: dict[tuple[str, ...], set[str]] = {}
    for one in opened:
        said = one.sent().get("document", {})
        uploads.setdefault(tuple(str(said.get(name)) for name in ("dataset", "period", "rows_digest")), set()).add(str(said.get("upload")))
    demand(all(len(found) == 1 for found in uploads.values()), "the same content was announced under two upload ids")


@CLIENT.clause(
    "client-forged-receipt",
    "formats.md, section 8",
    "A receipt that the hub's receipts key did not sign is not taken: it is asked for again",
)
def forged_receipt(seen: Watched) -> None:
    planted = seen.of(FORGED_RECEIPT)
    upload = seen.exchanges[planted].said().get("upload")
    again = [one for one in seen.after(planted) if (one.asks or one.announces) and one.said().get("upload") == upload]
    demand(again, "after a forged receipt the client never asked for the true one (push again, if you have not)")


@CLIENT.clause("client-receipt", SUBMITTING, "In the end the client has asked until it was given the true receipt")
def receipt(seen: Watched) -> None:
    told = [one for one in seen.exchanges if (one.asks or one.announces) and one.said().get("receipt") is not None and not one.did]
    demand(told, "the watch ended before the client was given a receipt")


@CLIENT.clause("client-log", "api.md, The log", "At every push the log is asked for its checkpoint")
def log(seen: Watched) -> None:
    if not any(one.announces for one in seen.exchanges):
        raise DoesNotApply("the client announced no submission")
    demand(any(one.is_("GET", "/v1/log/checkpoint") for one in seen.exchanges), "the checkpoint was never asked for")
