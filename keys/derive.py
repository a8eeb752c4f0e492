"""One key per use: HKDF-SHA256 (RFC 5869) with a context that names the use and everything it is bound to."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.encoding import framed
from keys.errors import BadFormat

CONTEXT = "LCJP-Exchange derive v1"
MIN_SECRET = 32


def derive(secret: bytes, use: str, *context: str | int, length: int = 32) -> bytes:
    """`length` bytes (1 to 8160) for `use` and `context` from a secret of at least 32 bytes. No salt: the secret is uniformly random.

    info = framed(CONTEXT, use, *context), so that ("ab", "c") and ("a", "bc"), 1 and "1" give different keys. BadFormat on a short secret.
    """
    if len(secret) < MIN_SECRET:
        raise BadFormat(f"a secret of at least {MIN_SECRET} bytes is needed")
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=framed(CONTEXT, use, *context)).derive(secret)
