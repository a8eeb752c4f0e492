"""Clauses of hubs about getting in, and about every answer."""

import time

from conformance.asking import PROBLEM, answered, refused
from conformance.clauses import Suite, demand
from conformance.hub import HubStage
from keys.encoding import b64
from keys.sign import SigningKey

ENTRY: Suite[HubStage] = Suite()
IN, GENERAL, REFUSED = "api.md, Getting in", "api.md", "api.md, When something is refused"


@ENTRY.clause("in-token", IN, "A good assertion gets a bearer token that lasts 300 seconds")
def token(stage: HubStage) -> None:
    found = answered(stage.client.authenticate(stage.client.assertion()), 200)
    demand(set(found) >= {"access_token", "token_type", "expires_in"}, "access_token, token_type or expires_in is missing")
    demand((found["token_type"], found["expires_in"]) == ("Bearer", 300), "it is no bearer token of 300 seconds")


@ENTRY.clause("in-once", IN, "An assertion counts once")
def once(stage: HubStage) -> None:
    made = stage.client.assertion()
    answered(stage.client.authenticate(made), 200)
    refused(stage.client.authenticate(made), 401, "replayed-assertion")


@ENTRY.clause("in-audience", IN, "An assertion for another audience is refused")
def audience(stage: HubStage) -> None:
    made = stage.client.assertion(aud="https://elsewhere.example/oauth2/token")
    refused(stage.client.authenticate(made), 401, "bad-audience")


@ENTRY.clause("in-lifetime", IN, "An assertion that has expired, or lives longer than 300 seconds, is refused")
def lifetime(stage: HubStage) -> None:
    now = int(time.time())
    refused(stage.client.authenticate(stage.client.assertion(iat=now - 900, exp=now - 600)), 401, "expired-assertion")
    refused(stage.client.authenticate(stage.client.assertion(iat=now, exp=now + 3_000)), 401, "expired-assertion")


@ENTRY.clause("in-skew", IN, "Sixty seconds of skew are forgiven")
def skew(stage: HubStage) -> None:
    now = int(time.time())
    answered(stage.client.authenticate(stage.client.assertion(iat=now + 45, exp=now + 165)), 200)


@ENTRY.clause("in-signature", IN, "An assertion whose signature does not hold is refused")
def signature(stage: HubStage) -> None:
    head, claims, _ = stage.client.assertion().split(".")
    made = f"{head}.{claims}.{b64(bytes(64))}"
    refused(stage.client.authenticate(made), 401, "bad-signature")


@ENTRY.clause("in-compact", IN, "An assertion with padding is refused: a token has one spelling")
def compact(stage: HubStage) -> None:
    refused(stage.client.authenticate(stage.client.assertion() + "="), 401, "bad-signature")


@ENTRY.clause("in-key", IN, "An assertion by a key that is not registered is refused")
def unknown(stage: HubStage) -> None:
    refused(stage.client.authenticate(stage.client.assertion(key=SigningKey.generate())), 401, "unknown-client")


@ENTRY.clause("in-subject", IN, "iss and sub must both be the client")
def subject(stage: HubStage) -> None:
    refused(stage.client.authenticate(stage.client.assertion(sub="somebody-else")), 401, "unknown-client")


@ENTRY.clause("in-jti", IN, "An assertion needs a jti")
def jti(stage: HubStage) -> None:
    refused(stage.client.authenticate(stage.client.assertion(jti=None)), 401, "bad-signature")


@ENTRY.clause("in-grant", IN, "No other grant is taken")
def grant(stage: HubStage) -> None:
    answer = stage.client.authenticate(stage.client.assertion(), grant_type="password")
    refused(answer, 401, "unsupported-grant")


@ENTRY.clause("in-none", REFUSED, "Without a token the answer is 401, and says how to come in")
def none(stage: HubStage) -> None:
    answer = stage.client.plain("GET", "/v1/agreements")
    refused(answer, 401, "no-token")
    demand("Bearer" in answer.headers.get("WWW-Authenticate", ""), "401 carries no WWW-Authenticate with Bearer")


@ENTRY.clause("in-forged", REFUSED, "A token that the hub did not give is refused")
def forged(stage: HubStage) -> None:
    refused(stage.client.plain("GET", "/v1/agreements", headers={"Authorization": "Bearer a.b.c"}), 401, "bad-token")


@ENTRY.clause("every-answer", GENERAL, "Every answer forbids storing and sniffing, and sets no cookie")
def every(stage: HubStage) -> None:
    for answer in (stage.client.ask("GET", "/v1/agreements"), stage.client.plain("GET", "/v1/agreements")):
        demand("no-store" in answer.headers.get("Cache-Control", ""), "Cache-Control lacks no-store")
        demand(answer.headers.get("X-Content-Type-Options") == "nosniff", "X-Content-Type-Options is not nosniff")
        demand("Set-Cookie" not in answer.headers, "an answer of the API sets a cookie")


@ENTRY.clause("unknown-address", REFUSED, "An unknown address is a problem document, 404")
def address(stage: HubStage) -> None:
    answer = stage.client.plain("GET", "/v1/no-such-thing", headers={"Accept": PROBLEM})
    refused(answer, 404, "not-found")


@ENTRY.clause("method", "api.md, Problem codes", "A known address asked by another method is 405, and Allow says which it takes")
def method(stage: HubStage) -> None:
    answer = stage.client.ask("DELETE", "/v1/agreements")
    refused(answer, 405, "method-not-allowed")
    demand("GET" in answer.headers.get("Allow", ""), "Allow does not name GET")


@ENTRY.clause("parameters", GENERAL, "Unknown parameters are refused")
def parameters(stage: HubStage) -> None:
    refused(stage.client.ask("GET", "/v1/log/consistency", params={"old": "1", "new": "1", "more": "1"}), 422, "unprocessable-entity")


@ENTRY.clause("json-once", GENERAL, "A body that names a member twice is refused, quoting nothing of it")
def twice(stage: HubStage) -> None:
    stage.require_supplier()
    body = b'{"document": {}, "document": {"word": "Xyzzy"}}'
    answer = stage.client.ask("POST", "/v1/submissions", data=body, headers={"Content-Type": "application/json"})
    refused(answer, 422, "bad-format")
    demand(b"Xyzzy" not in answer.content, "the problem document quotes what was sent")


@ENTRY.clause("media-type", "api.md, Problem codes", "A body of another type than the documented one is refused")
def media(stage: HubStage) -> None:
    stage.require_supplier()
    answer = stage.client.ask("POST", "/v1/submissions", data=b"<a/>", headers={"Content-Type": "application/xml"})
    refused(answer, 415, "unsupported-media-type")


@ENTRY.clause("openapi", GENERAL, "The hub describes itself in OpenAPI 3.1")
def described(stage: HubStage) -> None:
    found = answered(stage.client.plain("GET", "/openapi.json"), 200)
    demand(str(found["openapi"]).startswith("3.1"), "it is no OpenAPI 3.1")
    lacking = {"/oauth2/token", "/v1/submissions", "/v1/log/checkpoint"} - set(found["paths"])
    demand(not lacking, f"it does not describe {', '.join(sorted(lacking))}")
