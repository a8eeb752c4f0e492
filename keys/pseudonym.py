"""Pseudonyms: normalise an identifier, HMAC it at the agency under the partnership's secret, permute it again at the hub."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from keys.columns import Bytes, fixed_binary, offsets, valid_mask
from keys.derive import derive
from keys.errors import ROWS_NAMED, BadFormat, BadIdentifier

NORMALISER = 1  # goes up whenever a normalised form changes; the manifest carries it and the hub refuses another
WIDTH = 16
KEY = 32
PSEUDONYM = pa.binary(WIDTH)
_SAMPLE = 4096

Normalised = tuple[pa.Array, pa.Array | None]


@dataclass(frozen=True)
class Kind:
    """A kind of identifier: in English what is accepted, and how a string column is normalised.

    `tidy` returns the normalised column and which of its rows have the form of the kind (None: all). What becomes empty is made null by the
    caller and need not fit.
    """

    form: str
    tidy: Callable[[pa.Array], Normalised]


def pseudonym_key(secret: bytes, reference: str, kind: str, epoch: int) -> bytes:
    """The HMAC key of one kind under one agreement reference and epoch, from the agencies' 32-byte linkage secret."""
    _kind(kind)
    return derive(secret, "pseudonym", reference, kind, epoch)


def exclusion_key(secret: bytes, kind: str) -> bytes:
    """The HMAC key by which one agency knows the identifiers of one kind that it leaves out, from a 32-byte secret of its own."""
    _kind(kind)
    return derive(secret, "exclusion", kind)


def key_check_value(secret: bytes, reference: str, epoch: int) -> str:
    """16 hex characters that tell whether two agencies hold the same secret, and nothing else about it."""
    return derive(secret, "key-check", reference, epoch, length=8).hex()


def normalise(column: pa.Array, kind: str) -> pa.Array:
    """The normalised `string` column, empty text as null. BadIdentifier, with row numbers, if any value is not of the kind."""
    row = _kind(kind)
    if column.type == pa.large_string():
        column = column.cast(pa.string())
    if column.type != pa.string():
        raise BadFormat("identifiers are a string column")
    tidied, fits = row.tidy(column)
    if fits is not None:
        empty = pc.equal(pc.binary_length(tidied), 0)
        wrong = pc.indices_nonzero(pc.invert(pc.or_(fits, empty)))  # null rows are not among them
        if len(wrong):
            raise BadIdentifier(kind, wrong.slice(0, ROWS_NAMED).to_pylist(), len(wrong))
        tidied = pc.if_else(empty, pa.scalar(None, pa.string()), tidied)
    return tidied


def pseudonymise(column: pa.Array, kind: str, key: bytes) -> pa.FixedSizeBinaryArray:
    """Normalise, then the first 16 bytes of HMAC-SHA-256 (RFC 2104) under a 32-byte key; nulls stay null, null slots are zero."""
    if len(key) != KEY:
        raise BadFormat(f"a pseudonym key is {KEY} bytes")
    normalised = normalise(column, kind)
    present = normalised.drop_null().cast(pa.binary())
    if _repeats(present):
        encoded = present.dictionary_encode()
        digests = _hmac(encoded.dictionary, key)[encoded.indices.to_numpy()]
    else:
        digests = _hmac(present, key)
    if not normalised.null_count:
        return fixed_binary(digests, None)
    mask = valid_mask(normalised)
    values = np.zeros((len(mask), WIDTH), np.uint8)
    values[mask] = digests
    return fixed_binary(values, mask)


def rekey(column: pa.FixedSizeBinaryArray, key: bytes, *, inverse: bool = False) -> pa.FixedSizeBinaryArray:
    """AES-256 as a permutation of each 16-byte value; nulls stay null, null slots are zero.

    ECB is right here and nowhere else: one block is one value, equal inputs must give equal outputs, and that is all that is wanted.
    """
    if column.type != PSEUDONYM:
        raise BadFormat("pseudonyms are fixed_size_binary[16]")
    if len(key) != KEY:
        raise BadFormat(f"a re-key key is {KEY} bytes")
    rows = len(column)
    if rows == 0:
        return pa.array([], PSEUDONYM)
    cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305 - see the docstring
    context = cipher.decryptor() if inverse else cipher.encryptor()
    data = memoryview(column.buffers()[1]).cast("B")[column.offset * WIDTH : (column.offset + rows) * WIDTH]
    out = np.empty(rows * WIDTH + WIDTH - 1, np.uint8)  # update_into asks for one byte less than a block to spare
    context.update_into(data, out.data)
    context.finalize()
    values = out[: rows * WIDTH].reshape(rows, WIDTH)
    if not column.null_count:
        return fixed_binary(values, None)
    mask = valid_mask(column)
    values[~mask] = 0
    return fixed_binary(values, mask)


def _kind(kind: str) -> Kind:
    if kind not in KINDS:
        raise BadFormat("not a kind of identifier that this version knows")
    return KINDS[kind]


def _repeats(present: pa.Array) -> bool:
    """Whether values repeat enough that hashing each distinct one once is faster, judged from the first few thousand."""
    sample = present.slice(0, _SAMPLE)
    return len(sample) == _SAMPLE and pc.count_distinct(sample).as_py() < _SAMPLE * 3 // 4


def _hmac(values: pa.Array, key: bytes) -> Bytes:
    """(rows, 16) of uint8. A keyed context is made once and copied: three times faster than hmac.digest per value."""
    fresh = hmac.HMAC(key, hashes.SHA256()).copy
    digests: list[bytes] = []
    append = digests.append
    for value in values.to_pylist():
        context = fresh()
        context.update(value)
        append(context.finalize())
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)[:, :WIDTH]


# ---------------------------------------------------------------------------------------------------------------- the kinds

_BLOCK = 1 << 16  # bytes looked at together: they stay in the processor's cache


def _published_crime(column: pa.Array) -> Normalised:
    if _all_hex64(column):
        return column, None
    tidied = pc.ascii_lower(pc.ascii_trim_whitespace(column))
    return tidied, pc.match_substring_regex(tidied, "^[0-9a-f]{64}$")


def _all_hex64(column: pa.Array) -> bool:
    """Whether every value is already 64 lower-case hexadecimal digits: a look at the buffers, for almost every column there is."""
    starts = offsets(column)
    lengths = np.diff(starts)
    wanted = 64 * valid_mask(column) if column.null_count else 64
    if not len(column) or not np.array_equal(lengths, np.broadcast_to(wanted, lengths.shape)):
        return False
    digits = np.frombuffer(column.buffers()[2] or b"", np.uint8)[starts[0] : starts[-1]]
    return all(_hex_digits(digits[start : start + _BLOCK]) for start in range(0, len(digits), _BLOCK))


def _hex_digits(text: Bytes) -> bool:
    # Unsigned subtraction wraps, so one comparison tests both ends of a range; four times faster than a look-up table.
    return bool(((text - 48 < 10) | (text - 97 < 6)).all())


def _capitals(pattern: str, holding: str = "") -> Callable[[pa.Array], Normalised]:
    """Trimmed, in capitals, and of a pattern as a whole; besides, `holding` must be found in it."""

    def tidy(column: pa.Array) -> Normalised:
        tidied = pc.ascii_upper(pc.ascii_trim_whitespace(column))
        fits = pc.match_substring_regex(tidied, f"^(?:{pattern})$")
        return tidied, pc.and_(fits, pc.match_substring_regex(tidied, holding)) if holding else fits

    return tidy


_REFERENCE = _capitals("[A-Z0-9][A-Z0-9/.-]{2,28}[A-Z0-9]", "[0-9]")

_NAME, _DAY, _YEAR, _POSTCODE = "[A-Z]+", "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]{4}", "[A-Z0-9]{4,8}"


def _match_key(words: str, *parts: str) -> Kind:
    """A kind whose values are these parts, in capitals, joined by a line; `words` say what they are."""
    return Kind(f"{words}, as the adapters join them", _capitals("[|]".join(parts)))


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "published_crime": Kind("64 hexadecimal digits, as police.uk publishes them", _published_crime),
        # Match keys, as adapters.match_keys derives them: parts in capitals, a line between them.
        "person_name_dob": _match_key("surname, first forename, date of birth", _NAME, _NAME, _DAY),
        "person_sound_dob": _match_key("sound of the surname, first letter of the forename, date of birth", "[A-Z][0-6]{3}", "[A-Z]", _DAY),
        "person_letters_dob": _match_key("consonants of both names, date of birth", _NAME, _NAME, _DAY),
        "person_name_postcode": _match_key(
            "surname, first letter of the forename, year of birth, postcode", _NAME, "[A-Z]", _YEAR, _POSTCODE
        ),
        "person_dob_postcode": _match_key("date of birth, postcode", _DAY, _POSTCODE),
        "person_letters_postcode": _match_key("consonants of both names, postcode", _NAME, _NAME, _POSTCODE),
        "crime": Kind("a force's crime reference: 4 to 30 capitals, digits and / . -, with a digit", _REFERENCE),
        "incident": Kind("a force's incident reference: 4 to 30 capitals, digits and / . -, with a digit", _REFERENCE),
        "case": Kind("a case URN: force, unit, serial and year, as 01ZD0303208", _capitals("[0-9]{2}[A-Z0-9]{2}[0-9]{7}")),
        "person_pnc": Kind("a PNC id in its long form, as 1981/0000034U", _capitals("(?:19|20)[0-9]{2}/[0-9]{7}[A-Z]")),
        "person_cro": Kind(
            "a CRO number, as 065656/91H or SF83/50058Z", _capitals("(?:[0-9]{6}/[0-9]{2}|SF[0-9]{2}/(?:0|[1-9][0-9]{0,5}))[A-Z]")
        ),
        "person_noms": Kind("a NOMS number, as A1234BC", _capitals("[A-Z][0-9]{4}[A-Z]{2}")),
        "person_crn": Kind("a probation case number, as X123456", _capitals("[A-Z][0-9]{6}")),
    }
)
