"""What the served OpenAPI 3.1 says beyond what the schemas say: security, bodies that are read strictly, problem documents."""

from typing import Any

from flask_smorest import Api

from exchange.api import documented
from exchange.api.schemas import Note, Problem

_BODIES = {
    ("/v1/submissions", "post"): ("Signed", "A signed manifest (use “manifest”), see docs/formats.md."),
    ("/v1/agreements/{reference}/envelopes", "post"): ("Signed", "A signed linkage envelope (use “envelope”), see docs/formats.md."),
    ("/v1/rights", "post"): ("Signed", "A signed request about people's rights (use “rights-request”), see docs/formats.md."),
    ("/v1/log/cosignatures", "post"): ("Note", "A checkpoint with the caller's cosignature, see docs/formats.md."),
}


def describe(api: Api) -> None:
    """Complete the document that flask-smorest has collected."""
    spec = api.spec
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": "from POST /oauth2/token"})
    basic = {"type": "http", "scheme": "basic", "description": "a token of one release as the password: docs/pulling.md"}
    spec.components.security_scheme("basic", basic)
    spec.components.schema("Problem", schema=Problem)
    spec.components.schema("Note", schema=Note)
    spec.options["security"] = [{"token": []}]
    for name, example in documented.examples().items():
        spec.components.example(name, example)
    for path, operations in spec._paths.items():  # noqa: SLF001  # apispec offers no public way to visit paths
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation:
                _complete(path, method, operation)


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    kept = {str(status): answer for status, answer in operation["responses"].items() if str(status) not in ("default", "422")}
    operation["responses"] = kept | documented.answers(path, method)
    if path == "/oauth2/token" or path.startswith("/public/"):
        operation["security"] = []
    if path.startswith("/odata/") or path.endswith(("/latest/{name}", "/tables/{name}")):
        operation["security"] = [{"token": []}, {"basic": []}]
    if (path, method) in _BODIES:
        name, description = _BODIES[path, method]
        schema = {"$ref": f"#/components/schemas/{name}"}
        operation["requestBody"] = {
            "description": description,
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if path.endswith("/parts/{number}"):
        binary = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": binary}}
        digest = {"name": "Content-Digest", "in": "header", "required": True, "schema": {"type": "string"}}
        operation.setdefault("parameters", []).append({**digest, "description": "sha-256 of the body (RFC 9530)"})
