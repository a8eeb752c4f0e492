"""Held rows at rest: Parquet Modular Encryption (AES_GCM_V1, uniform key, 256 bits) by pyarrow, zstd level 1."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from pyarrow import fs

from keys.errors import BadFormat

DATA_KEY = 32
ROW_GROUP = 1 << 15  # an eighth of the largest part: rows are sorted by pseudonym, and a bucket of them is a few groups
UNLIKE = (pa.binary(16), pa.float64())  # types whose values seldom repeat: looking for repeats would cost a quarter of the time


def new_data_key() -> bytes:
    """A random key for one part. One key encrypts one file: AES-GCM nonces are random within it."""
    return secrets.token_bytes(DATA_KEY)


class EncryptedWriter:
    """Writes one encrypted Parquet file; a context manager.

    `aad` (batch id and part) is bound to every module of the file and not stored: the reader must know it. If the block raises, the file
    is closed as it stands and the caller removes it.
    """

    def __init__(self, destination: str | Path | IO[bytes], schema: pa.Schema, key: bytes, aad: str) -> None:
        where = str(destination) if isinstance(destination, Path) else destination
        properties = pe.create_encryption_properties(_checked(key), aad_prefix=_aad(aad), store_aad_prefix=False)
        self._writer = pq.ParquetWriter(
            where,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[field.name for field in schema if field.type not in UNLIKE],
            encryption_properties=properties,
        )

    def write(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Append rows of the writer's schema, as row groups of at most 2**15 rows."""
        if isinstance(rows, pa.RecordBatch):
            self._writer.write_batch(rows, row_group_size=ROW_GROUP)
        else:
            self._writer.write_table(rows, row_group_size=ROW_GROUP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()


def decrypting_dataset(
    files: Sequence[tuple[str | Path, bytes, str]],
    schema: pa.Schema,
    *,
    filesystem: fs.FileSystem | None = None,
) -> ds.Dataset:
    """One dataset over parts (path, data key, aad), each decrypted as it is read; projection and filters reach the files.

    No file is opened here. A wrong key, aad or file shows as OSError when read.
    """
    where = filesystem or fs.LocalFileSystem()
    children = [_part(str(path), key, aad, schema, where) for path, key, aad in files]
    return ds.UnionDataset(schema, children)


def _part(path: str, key: bytes, aad: str, schema: pa.Schema, filesystem: fs.FileSystem) -> ds.FileSystemDataset:
    properties = pe.create_decryption_properties(_checked(key), aad_prefix=_aad(aad))
    options = ds.ParquetFragmentScanOptions(decryption_properties=properties)
    reader = ds.ParquetFileFormat(default_fragment_scan_options=options)
    fragment = reader.make_fragment(path, filesystem)
    return ds.FileSystemDataset([fragment], schema, reader, filesystem)


def _checked(key: bytes) -> bytes:
    if len(key) != DATA_KEY:
        raise BadFormat(f"a data key is {DATA_KEY} bytes")
    return key


def _aad(aad: str) -> bytes:
    if not aad:
        raise BadFormat("aad: an encrypted file is bound to something")
    return aad.encode("utf-8")
