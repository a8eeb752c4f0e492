"""A passkey authenticator and the browser in front of it, in software: real keys, real signatures, the JSON forms of WebAuthn Level 3.

`create` and `get` take the options a page would hand to `navigator.credentials` and give what it would post back. The attributes say what
else than an honest device and an honest browser it shall do.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from keys.encoding import b64, unb64
from keys.passkey import Passkey

ES256, EDDSA, RS256 = -7, -8, -257
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def new_key(algorithm: int) -> Private:
    """A private key for a COSE algorithm."""
    match algorithm:
        case -8:
            return ed25519.Ed25519PrivateKey.generate()
        case -257:
            return rsa.generate_private_key(65537, 2048)
        case _:
            return ec.generate_private_key(ec.SECP256R1())


def cose_of(key: Private) -> dict[int, Any]:
    """The public half as a COSE_Key, members in CTAP2 canonical order."""
    match key:
        case ec.EllipticCurvePrivateKey():
            at = key.public_key().public_numbers()
            return {1: 2, 3: ES256, -1: 1, -2: at.x.to_bytes(32, "big"), -3: at.y.to_bytes(32, "big")}
        case ed25519.Ed25519PrivateKey():
            return {1: 1, 3: EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()}
        case _:
            numbers = key.public_key().public_numbers()
            return {1: 3, 3: RS256, -1: numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"), -2: b"\x01\x00\x01"}


def sign(key: Private, message: bytes) -> bytes:
    """As COSE signs: ECDSA in DER over SHA-256, Ed25519, or PKCS #1 v1.5 over SHA-256."""
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(hashes.SHA256()))
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)
        case _:
            return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


@dataclass
class Credential:
    """A key that the device keeps for one relying party and user."""

    id: bytes
    rp_id: str
    user: bytes
    key: Private
    counter: int = 0

    def passkey(self, origin: str) -> Passkey:
        """Its public half, as it is registered from `origin`."""
        return Passkey(self.rp_id, origin, cbor2.dumps(cose_of(self.key)))


@dataclass
class SoftAuthenticator:
    """One device of one person.

    Attributes:
        algorithms: what it can make, the page's preference deciding.
        flags: what it says of each use beside AT and ED.
        extensions: bytes after the counter of each use.
        counts: whether it counts its uses; a synchronised passkey does not and says 0.
        acting_for: the relying party it claims to act for, if another than asked.
        client: members put into the browser's client data over the true ones; None takes one out.
        credentials: id → credential.
    """

    algorithms: tuple[int, ...] = (ES256, EDDSA, RS256)
    flags: int = UP | UV
    extensions: bytes = b""
    counts: bool = True
    acting_for: str = ""
    client: dict[str, Any] = field(default_factory=dict)
    credentials: dict[bytes, Credential] = field(default_factory=dict)

    def create(self, options: str, origin: str) -> dict[str, Any]:
        """The answer to `navigator.credentials.create`, as PublicKeyCredential.toJSON() writes it."""
        asked = json.loads(options)
        if any(unb64(one["id"]) in self.credentials for one in asked.get("excludeCredentials", [])):
            raise LookupError("this device has a passkey there already")
        algorithm = next(one["alg"] for one in asked["pubKeyCredParams"] if one["alg"] in self.algorithms)
        made = Credential(secrets.token_bytes(16), asked["rp"]["id"], unb64(asked["user"]["id"]), new_key(algorithm))
        self.credentials[made.id] = made
        attested = bytes(16) + len(made.id).to_bytes(2, "big") + made.id + cbor2.dumps(cose_of(made.key))
        data = self._data(made, self.flags | AT) + attested
        response = {
            "clientDataJSON": b64(self._client_data("webauthn.create", asked["challenge"], origin)),
            "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal"],
        }
        return _credential(made, response)

    def get(self, options: str, origin: str) -> dict[str, Any]:
        """The answer to `navigator.credentials.get`."""
        asked = json.loads(options)
        allowed = [unb64(one["id"]) for one in asked.get("allowCredentials", [])]
        held = [one for one in self.credentials.values() if one.rp_id == asked["rpId"] and (not allowed or one.id in allowed)]
        if not held:
            raise LookupError("this device has no passkey for that")
        used = held[-1]
        used.counter += self.counts
        data, client = self._data(used, self.flags) + self.extensions, self._client_data("webauthn.get", asked["challenge"], origin)
        signature = sign(used.key, data + hashlib.sha256(client).digest())
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(signature),
            "userHandle": b64(used.user),
        }
        return _credential(used, response)

    def _data(self, used: Credential, flags: int) -> bytes:
        return hashlib.sha256((self.acting_for or used.rp_id).encode()).digest() + bytes([flags]) + used.counter.to_bytes(4, "big")

    def _client_data(self, ceremony: str, challenge: str, origin: str) -> bytes:
        said = {"type": ceremony, "challenge": challenge, "origin": origin, "crossOrigin": False, **self.client}
        return json.dumps({name: value for name, value in said.items() if value is not None}, separators=(",", ":")).encode()


def _credential(used: Credential, response: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": b64(used.id),
        "rawId": b64(used.id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    }


def enrolled(origin: str, rp_id: str, *, algorithm: int = ES256, **attributes: Any) -> tuple[SoftAuthenticator, Passkey]:
    """A device that already holds one passkey of that place, and the passkey's public half."""
    device = SoftAuthenticator((algorithm,), **attributes)
    made = Credential(secrets.token_bytes(16), rp_id, b"user", new_key(algorithm))
    device.credentials[made.id] = made
    return device, made.passkey(origin)


# Fixed for a run: RSA keys are slow to make.
ORIGIN, RP_ID = "https://exchange.lcjp.example", "exchange.lcjp.example"
KEYS = {algorithm: new_key(algorithm) for algorithm in (ES256, EDDSA, RS256)}
COSE = {algorithm: cbor2.dumps(cose_of(key)) for algorithm, key in KEYS.items()}


def rsa_key(bits: int, exponent: int = 65537) -> dict[int, Any]:
    """A COSE_Key of RSA."""
    numbers = rsa.generate_private_key(exponent, bits).public_key().public_numbers()
    return {1: 3, 3: RS256, -1: numbers.n.to_bytes(bits // 8, "big"), -2: exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")}


def p384_key() -> dict[int, Any]:
    """A COSE_Key of a curve that is not accepted."""
    at = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    return {1: 2, 3: -35, -1: 2, -2: at.x.to_bytes(48, "big"), -3: at.y.to_bytes(48, "big")}


P256, OKP, RSA = (cose_of(KEYS[algorithm]) for algorithm in (ES256, EDDSA, RS256))
