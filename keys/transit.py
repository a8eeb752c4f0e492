"""Roots under keys of a key service: the transit engine of OpenBao or Vault, by its HTTP interface.

Every root has a key of its own there (`aes256-gcm96`, not exportable, no plaintext backup), and the root's id is the associated data.
Erasing a root deletes its key at the service. The service's own backups are its operator's business: what it has deleted they must not bring back.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from keys.errors import BadFormat, KeystoreUnreadable
from keys.files import readable_by_others
from keys.places import RootShelf
from keys.providers import WrappedRoots

TIMEOUT = 10.0
_LIMIT = 1 << 16
_HERE = {"localhost", "127.0.0.1", "::1"}


class TransitRoots(WrappedRoots):
    """Roots wrapped by the transit engine mounted at `mount`, under keys named `prefix` and the root's id.

    Args:
        address: `https://host:port` of the service; plain http only on this machine.
        token_file: file of the token, read at each use, so that an agent may renew it; readable by its owner alone, or its group.
        ca_file: certificates that the service's must come from; None for those that requests trusts.
        namespace: the service's namespace, empty for none.
    """

    def __init__(
        self,
        place: str | Path | RootShelf,
        address: str,
        token_file: str | Path,
        *,
        mount: str = "transit",
        prefix: str = "lcjp-root",
        ca_file: str | Path | None = None,
        namespace: str = "",
    ) -> None:
        super().__init__(place)
        where = urlsplit(address)
        if where.scheme != "https" and not (where.scheme == "http" and where.hostname in _HERE):
            raise BadFormat("the key service's address must be https")
        self._address, self._mount, self._prefix = address.rstrip("/"), mount, prefix
        self._token_file, self._ca, self._namespace = Path(token_file), ca_file, namespace

    def _wrap(self, root: str, key: bytes) -> bytes:
        self._ask("POST", f"keys/{self._name(root)}", {"type": "aes256-gcm96", "exportable": False, "allow_plaintext_backup": False})
        said = self._ask("POST", f"encrypt/{self._name(root)}", {"plaintext": _b64(key), "associated_data": _b64(root.encode())})
        return _text(said, "ciphertext").encode("ascii")

    def _unwrap(self, root: str, wrapped: bytes) -> bytes:
        body = {"ciphertext": wrapped.decode("ascii", "replace"), "associated_data": _b64(root.encode())}
        said = self._ask("POST", f"decrypt/{self._name(root)}", body)
        try:
            return base64.b64decode(_text(said, "plaintext"), validate=True)
        except binascii.Error as error:
            raise KeystoreUnreadable("the key service's answer is not of its documented form") from error

    def _forget(self, root: str) -> None:
        if self._is_gone(root):
            return
        try:
            self._ask("POST", f"keys/{self._name(root)}/config", {"deletion_allowed": True})
            self._ask("DELETE", f"keys/{self._name(root)}")
        except KeystoreUnreadable:
            if not self._is_gone(root):  # another host was quicker
                raise
        if not self._is_gone(root):
            raise KeystoreUnreadable("the key service still has a key that it was told to delete")

    def _is_gone(self, root: str) -> bool:
        return self._ask("GET", f"keys/{self._name(root)}", missing=True) is None

    def _name(self, root: str) -> str:
        return f"{self._prefix}-{root}"

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, missing: bool = False) -> dict[str, Any] | None:
        """The `data` of the answer, empty where there is none; None for 404 where that is an answer. Redirects are not followed."""
        headers = {"X-Vault-Token": self._token(), "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        url = f"{self._address}/v1/{self._mount}/{path}"
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy, no ~/.netrc: the token goes to this address and nowhere else
                verify = str(self._ca) if self._ca else True
                answer = session.request(
                    method, url, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, verify=verify, stream=True
                )
                content = answer.raw.read(_LIMIT, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise KeystoreUnreadable(f"the key service cannot be reached ({type(error).__name__})") from error
        if answer.status_code == 404 and missing:
            return None
        if not 200 <= answer.status_code < 300:
            raise KeystoreUnreadable(f"the key service refused {method} of a root's key, with status {answer.status_code}")
        return _data(content)

    def _token(self) -> str:
        try:
            if readable_by_others(self._token_file, group=False):
                raise KeystoreUnreadable("the file of the key service's token is readable by everyone")
            token = self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise KeystoreUnreadable("the file of the key service's token cannot be read") from error
        if not token or not token.isprintable():
            raise KeystoreUnreadable("the file of the key service's token holds none")
        return token


def _data(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content) if content else {}
        data = found.get("data") or {}
    except (ValueError, RecursionError, AttributeError) as error:
        raise KeystoreUnreadable("the key service's answer is not of its documented form") from error
    return data if isinstance(data, dict) else {}


def _text(said: Mapping[str, Any] | None, name: str) -> str:
    found = (said or {}).get(name)
    if not isinstance(found, str) or not found.isascii():
        raise KeystoreUnreadable("the key service's answer is not of its documented form")
    return found


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
