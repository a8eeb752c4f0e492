"""Fixtures of the room `keys`."""

import os
from pathlib import Path

import pytest

from keys.keystore import SealedFileKeystore
from keys.providers import CredentialFileRoots
from tests.keys.stores import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    credential = tmp_path / "credential"
    credential.write_bytes(os.urandom(32))
    credential.chmod(0o600)
    place = Place(tmp_path / "store", CredentialFileRoots(tmp_path / "roots", credential))
    SealedFileKeystore.initialise(place.folder, place.roots)
    return place
