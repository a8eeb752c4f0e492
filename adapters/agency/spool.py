"""The spool: one folder an upload, from before the first byte is sealed until its receipt is kept.

    spool/<upload id>/plan.json        written first: what is being prepared, under which random upload id
                      part-00001 …     sealed parts
                      manifest.json    signed; its being there means that everything before it is whole
                      acknowledgement.json
                      spent.json           parts removed: somebody in them was put on the exclusion list since

A folder without a manifest is an interrupted prepare and is thrown away. Every file is written beside its name, flushed to disk and
renamed, so that a crash leaves it whole or absent. Nothing in the spool can be read by anyone but the hub.
"""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.agency.ledger import Ledger
from adapters.errors import IntegrityFailed
from keys.documents import Document, Hex32, Instant, Name, Period, Positive
from keys.encoding import canonical, parse_json
from keys.errors import BadFormat
from keys.files import replace, sync_folder

_PLAN, _MANIFEST, _ACKNOWLEDGEMENT, _SPENT = "plan.json", "manifest.json", "acknowledgement.json", "spent.json"
JSON_LIMIT = 16 << 20


@dataclass(frozen=True)
class Plan(Document):
    """What an upload is of. `seal_until` is when the hub's sealing key runs out, after which the parts are of no use."""

    upload: Hex32
    reference: Name
    version: Positive
    dataset: Name
    period: Period
    seal_until: Instant


@dataclass(frozen=True)
class Upload:
    """One upload's folder."""

    folder: Path
    plan: Plan

    @property
    def id(self) -> str:
        """The upload id."""
        return self.plan.upload

    def __str__(self) -> str:
        return f"{self.plan.reference} {self.plan.dataset} {self.plan.period}"

    def write_part(self, number: int, sealed: bytes) -> None:
        """Keep a sealed part; numbers begin at 1."""
        replace(self._part(number), sealed)

    def read_part(self, number: int) -> bytes:
        """A sealed part. IntegrityFailed if it is gone."""
        try:
            return self._part(number).read_bytes()
        except OSError:
            raise IntegrityFailed(
                f"Part {number} of the spooled upload of {self} cannot be read.",
                remedy=f"Remove the folder {self.folder} and push the extract again.",
            ) from None

    def write_manifest(self, signed: dict[str, Any]) -> None:
        """Keep the signed manifest: from now on the upload is whole, and is sent or resumed."""
        replace(self.folder / _MANIFEST, canonical(signed))

    def write_acknowledgement(self, signed: dict[str, Any]) -> None:
        """Keep the hub's signed acknowledgement."""
        replace(self.folder / _ACKNOWLEDGEMENT, canonical(signed))

    def forget_acknowledgement(self) -> None:
        """The hub has lost parts that it had acknowledged: they are to be sent again."""
        (self.folder / _ACKNOWLEDGEMENT).unlink(missing_ok=True)

    def forget_parts(self) -> None:
        """Nothing of it may be sent any more: what is left can only fetch the receipt of what the hub has."""
        replace(self.folder / _SPENT, b"{}")
        for path in self.folder.glob("part-*"):
            path.unlink()
        sync_folder(self.folder)

    @property
    def spent(self) -> bool:
        """Whether its parts were forgotten."""
        return (self.folder / _SPENT).is_file()

    @property
    def manifest(self) -> dict[str, Any]:
        """The signed manifest."""
        return _read(self.folder / _MANIFEST)

    @property
    def acknowledgement(self) -> dict[str, Any] | None:
        """The signed acknowledgement, if the hub gave one."""
        path = self.folder / _ACKNOWLEDGEMENT
        return _read(path) if path.is_file() else None

    @property
    def whole(self) -> bool:
        """Whether everything has been prepared."""
        return (self.folder / _MANIFEST).is_file()

    def discard(self) -> None:
        """Remove the upload, its manifest first, so that a crash half-way leaves what is thrown away next time."""
        (self.folder / _MANIFEST).unlink(missing_ok=True)
        sync_folder(self.folder)
        shutil.rmtree(self.folder)
        sync_folder(self.folder.parent)

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}"


def begin(spool: Path, *, reference: str, version: int, dataset: str, period: str, seal_until: str) -> Upload:
    """A new upload under a new random id, which is on disk before this returns."""
    plan = Plan(secrets.token_hex(16), reference, version, dataset, period, seal_until)
    folder = spool / plan.upload
    spool.mkdir(exist_ok=True, mode=0o700)
    folder.mkdir(mode=0o700)
    replace(folder / _PLAN, canonical(plan.document()))
    Ledger.beside(spool).add(plan.upload)
    sync_folder(spool)
    return Upload(folder, plan)


def leftovers(spool: Path) -> list[Upload]:
    """What earlier runs prepared and did not finish, oldest first. Interrupted prepares are removed. Only under the lock."""
    found = [upload for folder in _folders(spool) if (upload := _open(folder)) is not None]
    whole = [upload for upload in found if upload.whole]
    for upload in found:
        if not upload.whole:
            upload.discard()
    return sorted(whole, key=lambda upload: (upload.folder / _MANIFEST).stat().st_mtime_ns)


def waiting(spool: Path) -> list[Upload]:
    """What is spooled, removing nothing."""
    return [upload for folder in _folders(spool) if (folder / _PLAN).is_file() and (upload := _open(folder)) is not None and upload.whole]


def _folders(spool: Path) -> list[Path]:
    return sorted(path for path in spool.iterdir() if path.is_dir()) if spool.is_dir() else []


def _open(folder: Path) -> Upload | None:
    if not (folder / _PLAN).is_file():  # killed between the folder and its plan, or in the midst of removal
        shutil.rmtree(folder)
        return None
    try:
        return Upload(folder, Plan.parse(_read(folder / _PLAN)))
    except BadFormat:
        raise _damaged(folder) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(path.read_bytes(), limit=JSON_LIMIT)
    except (BadFormat, OSError):
        raise _damaged(path) from None
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


def _damaged(path: Path) -> IntegrityFailed:
    return IntegrityFailed(f"{path}: this file of the spool is damaged.", remedy="Remove its folder and push the extract again.")
