"""Codes as native systems write them: what each becomes, which are no longer issued, and what an unlisted one means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from adapters.doubts import Doubts
from adapters.errors import rows_refused
from adapters.values import Mask

OFFENCE_CODE = r"[A-Z]{2}[0-9]{5}[A-Z]?|[A-Z]{4}[0-9]{3}[A-Z]?"
"""An offence code of the CJS catalogue: two letters, year and number; or a common-law offence; perhaps with a letter after it."""
HOME_OFFICE_CLASS = r"[0-9]{3}/[0-9]{2}"
"""A Home Office offence class and sub-class."""
COURT_CODE = r"[BC][0-9]{2}[A-Z0-9]{2}(?:00)?"
"""An organisation unit that is a court: B magistrates' or C Crown, area, unit, and perhaps 00."""

_RETIRED = "of a code no longer issued, read as the code that replaced it"
_FORMLESS = "not of the form of its codes, delivered as written"


@dataclass(frozen=True)
class Codes:
    """How the codes of one column are read.

    Attributes:
        current: as written in the extract, after strip and upper-case → what is delivered.
        retired: codes no longer issued → what is delivered; each use is a doubt.
        form: a regular expression that unlisted codes match as a whole; where it is set, one that does not is a doubt.
        strict: whether a code that is neither listed nor of the form is refused. Otherwise it is delivered upper-cased, as written, and
            the agreement's rule decides.
    """

    current: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    retired: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    form: str = ""
    strict: bool = False

    def delivered(self, text: pa.Array, name: str, first_row: int = 0, doubts: Doubts | None = None) -> pa.Array:
        """The column as it is delivered; each distinct code is looked up once.

        Args:
            text: a string column, blanks stripped, empty text null.
            name: of the column, for errors and doubts.
            first_row: rows of the extract before it.
        Raises:
            ValidationFailed: strict, and codes are not listed; by row number.
        """
        encoded = text.dictionary_encode()
        written = [str(value).upper() for value in encoded.dictionary.to_pylist()]
        known = {**self.retired, **self.current}
        formless = [code not in known and not self._fits(code) for code in written]
        if self.strict and any(formless):
            wrong = np.flatnonzero(_of(encoded, formless))
            raise rows_refused(name, "a listed code", wrong + first_row)
        if doubts is not None:
            doubts.add(name, _RETIRED, _count(encoded, [code in self.retired and code not in self.current for code in written]))
            if self.form:
                doubts.add(name, _FORMLESS, _count(encoded, formless))
        return pa.array([known.get(code, code) for code in written], pa.string()).take(encoded.indices)

    def _fits(self, code: str) -> bool:
        return bool(self.form) and re.fullmatch(self.form, code) is not None


def _of(encoded: pa.DictionaryArray, marks: list[bool]) -> Mask:
    """Row by row, whether its distinct value is marked; a null never is."""
    rows: Mask = pa.array(marks, pa.bool_()).take(encoded.indices).fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return rows


def _count(encoded: pa.DictionaryArray, marks: list[bool]) -> int:
    return int(_of(encoded, marks).sum()) if any(marks) else 0


YES_NO = Codes({**dict.fromkeys(("Y", "YES", "1", "TRUE", "T"), "Y"), **dict.fromkeys(("N", "NO", "0", "FALSE", "F"), "N")})
"""Yes and no in the ways systems write them."""
