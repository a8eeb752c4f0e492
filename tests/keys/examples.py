"""One valid document of each format, as JSON."""

from typing import Any

from keys import formats, linkage, rights
from keys.checkpoint import Checkpoint, sign_checkpoint
from keys.ecdsa import Es256Key
from keys.encoding import b64
from keys.passkey import Passkey
from keys.seal import EncryptionKey
from keys.sign import SigningKey

SIGNING = SigningKey.from_seed(bytes(range(32)))
ENCRYPTION = EncryptionKey.from_private(bytes(range(96)))
# The public key of RFC 8032 section 7.1, test 1, as a COSE_Key, at a place of its own.
OKP = bytes.fromhex("a4010103272006215820d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
PASSKEY = Passkey("exchange.lcjp.example", "https://exchange.lcjp.example", OKP)
# The public key of RFC 7515 appendix A.3.
ES256 = Es256Key(
    b"\x04"
    + bytes.fromhex("7fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445")
    + bytes.fromhex("c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad")
)
DIGEST = "sha256:" + "ab" * 32

MANIFEST: dict[str, Any] = {
    "format": 1,
    "upload": "0123456789abcdef0123456789abcdef",
    "supplier": "cleveland-police",
    "reference": "LCJP-MV7",
    "version": 1,
    "agreement": DIGEST,
    "dataset": "crimes",
    "period": "2025-03",
    "mode": "replace",
    "after": None,
    "epoch": 1,
    "normaliser": 1,
    "key_check": "0011223344556677",
    "sealing_key": "2025-W14",
    "rows": 5,
    "totals": {"crime": 2, "month": 0},
    "rows_digest": DIGEST,
    "parts": [{"sha256": DIGEST, "size": 1200, "rows": 3}, {"sha256": DIGEST, "size": 1100, "rows": 2}],
    "created": "2025-04-02T09:30:00Z",
}

RECEIPT: dict[str, Any] = {
    "submission": "sub-1",
    "upload": MANIFEST["upload"],
    "manifest": DIGEST,
    "outcome": "held",
    **{name: MANIFEST[name] for name in ("supplier", "reference", "version", "agreement", "dataset", "period", "mode", "after")},
    "rows": 5,
    "rows_digest": DIGEST,
    "dispose_on": "2035-03-31",
    "decided": "2025-04-02T09:31:00.123456Z",
    "reasons": [],
}

RIGHTS_REQUEST: dict[str, Any] = {
    "format": 1,
    "request": MANIFEST["upload"],
    **{name: MANIFEST[name] for name in ("supplier", "reference", "version", "agreement")},
    "right": "erasure",
    "kind": "published_crime",
    "datasets": ["crimes", "outcomes"],
    "normaliser": 1,
    "epochs": [{"epoch": 1, "key_check": "0011223344556677"}],
    "sealing_key": "2025-W14",
    "sealed": "AAAA",
    "created": "2025-04-02T09:30:00Z",
}

LINKAGE_REQUEST: dict[str, Any] = {
    **{name: value for name, value in RIGHTS_REQUEST.items() if name not in {"right", "datasets"}},
    "action": "join",
    "kind": "person_pnc",
}

RIGHTS_RECEIPT: dict[str, Any] = {
    "format": 1,
    "request": MANIFEST["upload"],
    "asked": DIGEST,
    **{name: MANIFEST[name] for name in ("supplier", "reference", "version", "agreement")},
    "right": "erasure",
    "kind": "published_crime",
    "grounds": [{"dataset": "crimes", "clause": "LCJP-MV7 version 1, parties", "law": "UK GDPR Article 17"}],
    "searched": 3,
    "rows": 2,
    "batches": [
        {
            "submission": "sub-1",
            "dataset": "crimes",
            "period": "2025-03",
            "state": "held",
            "rows": 2,
            "left": 3,
            "rows_digest": DIGEST,
            "key": "submission/sub-1/2",
            "replaced": "submission/sub-1",
            "dispose_on": "2035-03-31",
        }
    ],
    "deferred": [{"submission": "sub-2", "dataset": "crimes", "period": "2025-02", "clause": "a clause", "reason": "a legal hold."}],
    "push_again": [{"dataset": "crimes", "period": "2025-01"}],
    "recipients": ["lcjp-performance-team"],
    "editions": [
        {
            "edition": "ed-1",
            "release": "mv7-outcomes",
            "first_period": "2025-01",
            "last_period": "2025-03",
            "state": "published",
            "records": 2,
            "warning": "Not again alone.",
        }
    ],
    "decided": "2025-04-02T09:31:00.123456Z",
}

EXAMPLES: dict[str, tuple[type[formats.Manifest | Any], dict[str, Any]]] = {
    "manifest": (formats.Manifest, MANIFEST),
    "acknowledgement": (
        formats.Acknowledgement,
        {"submission": "sub-1", "upload": MANIFEST["upload"], "manifest": DIGEST, "received": "2025-04-02T09:30:59Z"},
    ),
    "receipt": (formats.Receipt, RECEIPT),
    "rights-request": (rights.RightsRequest, RIGHTS_REQUEST),
    "linkage-request": (linkage.LinkageRequest, LINKAGE_REQUEST),
    "rights-receipt": (rights.RightsReceipt, RIGHTS_RECEIPT),
    "refusal": (
        formats.Receipt,
        {**RECEIPT, "outcome": "refused", "dispose_on": None, "reasons": [{"clause": "datasets.crimes", "reason": "A column too many."}]},
    ),
    "certificate": (
        formats.Certificate,
        {
            "format": 1,
            "submission": "sub-1",
            **{name: MANIFEST[name] for name in ("supplier", "reference", "agreement", "dataset", "period")},
            "manifest": DIGEST,
            "was": "held",
            "rows": 5,
            "parts": {"sealed": 0, "held": 2},
            "due": "2035-03-31",
            "delayed_by": ["hold-1"],
            "destroyed": "2035-03-31T04:00:00Z",
            "method": "The only key to the rows was destroyed.",
            "key": "submission/sub-1",
        },
    ),
    "succession": (
        formats.Succession,
        {
            "format": 1,
            "ended": sign_checkpoint(Checkpoint("lcjp-exchange/log", 9, bytes(32)), SIGNING),
            "begins": sign_checkpoint(Checkpoint("lcjp-exchange/log-2", 7, bytes(32)), SIGNING),
            "reason": "Database and second store were lost.",
            "made": "2026-11-22T09:30:00Z",
        },
    ),
    "sealing key": (
        formats.SealingKeyNotice,
        {"id": "2025-W14", "public": b64(ENCRYPTION.public), "issued": "2025-03-31T00:00:00Z", "expires": "2025-04-07T00:00:00Z"},
    ),
    "envelope": (
        formats.Envelope,
        {
            "reference": "LCJP-MV7",
            "epoch": 1,
            "issuer": "cleveland-police",
            "recipient": "durham-police",
            "recipient_key": ENCRYPTION.fingerprint,
            "key_check": "0011223344556677",
            "sealed": "AAAA",
        },
    ),
    "signing card": (formats.Card, {"kind": "ed25519", "owner": "A. Person", "role": "signatory", "public": b64(SIGNING.public.raw)}),
    "client card": (formats.Card, {"kind": "es256", "owner": "durham-police", "role": "client", "public": b64(ES256.raw)}),
    "passkey card": (formats.Card, {"kind": "passkey", "owner": "durham-police", "role": "dpo", "public": b64(PASSKEY.raw)}),
    "encryption card": (formats.Card, {"kind": "xwing", "owner": "durham-police", "role": "encryption", "public": b64(ENCRYPTION.public)}),
}
