"""What many hosts of one hub share: PostgreSQL, an S3 service and OpenBao, listening at the other end of every host's cable."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from tests.adapters.test_doctor import DAY, Authority
from tests.keys.services import KeyService, key_service
from tests.postgres import MISSING, Postgres, free_port, programs
from tests.s3 import Service


def subnet(host: int, end: int) -> str:
    """The address of an end of a host's cable: 1 is here, 2 is there."""
    return f"10.{64 + os.getpid() // 250 % 64}.{os.getpid() % 250}.{4 * host + end}"


@dataclass
class Servers:
    """What hosts share. The files of their certificates' authority are what S3 and OpenBao are known by."""

    postgres: Postgres
    s3: Service
    bao: KeyService
    bao_port: int
    authority: Path

    @property
    def further(self) -> str:
        """What goes with `exchange init --settings`: everything in buckets, roots in OpenBao, both asked for by https."""
        said: dict[str, object] = {name: self.s3.place(name) for name in ("objects", "staging", "keystore", "leaves")}
        said |= {"home": ".", **self.s3.settings, "root_provider": "transit", "transit_address": f"https://127.0.0.1:{self.bao_port}"}
        said |= {"transit_token_file": self.bao.token_file, "transit_ca_file": self.authority}
        return "".join(f'{name} = "{value}"\n' for name, value in said.items())


@contextmanager
def servers(folder: Path, count: int) -> Iterator[Servers]:
    """The three, listening at the other end of every host's cable."""
    found = programs()
    if found is None:
        pytest.skip(MISSING)
    authority, port = Authority(folder), free_port()
    names = ["127.0.0.1", *(subnet(number, 1) for number in range(count))]
    certificate, key = authority.issue(-DAY, DAY, *(x509.IPAddress(ip_address(name)) for name in names))
    listener = folder / "listener.hcl"
    tls = f'tls_cert_file = "{certificate}"\n  tls_key_file = "{key}"'
    listener.write_text(f'listener "tcp" {{\n  address = "0.0.0.0:{port}"\n  {tls}\n}}\n', encoding="utf-8")
    with ExitStack() as stop:
        postgres = Postgres(found, network="10.0.0.0/8")
        stop.callback(postgres.close)
        s3 = Service((str(authority.file), certificate, key))
        stop.callback(s3.close)
        bao = stop.enter_context(key_service(folder, f"-config={listener}"))
        yield Servers(postgres, s3, bao, port, authority.file)
