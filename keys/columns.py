"""Arrow columns as numpy buffers: the few low-level steps that pseudonyms and rows digests share."""

from typing import Any

import numpy as np
import pyarrow as pa

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


def valid_mask(column: pa.Array) -> Mask:
    """One bool a row, true where not null; honours slices."""
    mask: Mask = column.is_valid().to_numpy(zero_copy_only=False)
    return mask


def fixed_binary(values: Bytes, mask: Mask | None) -> pa.FixedSizeBinaryArray:
    """A fixed_size_binary column from (rows, width) of uint8 and, where there are nulls, the mask of valid rows."""
    rows, width = values.shape
    valid = None if mask is None else pa.py_buffer(np.packbits(mask, bitorder="little").tobytes())
    data = pa.py_buffer(np.ascontiguousarray(values))
    array: pa.FixedSizeBinaryArray = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [valid, data])
    return array


def offsets(column: pa.Array) -> np.ndarray[Any, np.dtype[np.int32]]:
    """The rows + 1 int32 offsets of a string or binary column; honours slices."""
    buffer = column.buffers()[1]
    if len(column) == 0 or buffer is None:
        return np.zeros(1, np.int32)
    return np.frombuffer(buffer, np.int32)[column.offset : column.offset + len(column) + 1]


def fixed_width(column: pa.Array, width: int) -> np.ndarray[Any, Any]:
    """The values of a fixed-width column as rows of `width` opaque bytes, without a copy; honours slices."""
    buffer = column.buffers()[1]
    return np.frombuffer(buffer, np.dtype(f"V{width}"))[column.offset : column.offset + len(column)]
