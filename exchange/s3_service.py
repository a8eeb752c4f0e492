"""The S3-compatible service that settings name, and the hub's credentials there, which are said nowhere."""

import configparser
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from exchange.bucket import Said, Service
from exchange.errors import Misconfigured
from keys.files import readable_by_others

CONNECTIONS = 32  # to the service, of one process


@cache
def client(service: Service, _process: int) -> Any:
    """The client of one process; one that was begun before a fork is another process's."""
    session = boto3.session.Session(region_name=service.region, **_credentials(service.credentials))
    return session.client(
        "s3",
        endpoint_url=service.endpoint or None,
        verify=str(service.ca_file) if service.ca_file else None,
        config=Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=CONNECTIONS,
            proxies={},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def call(service: Service, process: int, what: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """One request, and its answer, a body read to its end. :class:`exchange.bucket.Said` where it is another than was wanted."""
    try:
        found: dict[str, Any] = getattr(client(service, process), what)(**request)
        if "Body" in found:
            found["Body"] = found["Body"].read()
    except ClientError as error:
        raise Said(str(error.response.get("Error", {}).get("Code", ""))) from None  # its own words may quote what was signed
    except (BotoCoreError, OSError) as error:
        raise Said(type(error).__name__) from None
    return found


def _credentials(file: Path) -> dict[str, str]:
    """What is in the file; never said anywhere."""
    remedy = "It has a part [default] with aws_access_key_id and aws_secret_access_key, and only the hub's account reads it (mode 0600)."
    found = configparser.ConfigParser(interpolation=None)
    try:
        if readable_by_others(file, group=False):
            raise Misconfigured("s3_credentials_file is readable by everyone.", remedy=remedy)
        found.read_string(file.read_text(encoding="utf-8"))
        part = found["default"]
        given = {name: part[name] for name in ("aws_access_key_id", "aws_secret_access_key")}
    except (OSError, configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise Misconfigured("s3_credentials_file cannot be read.", remedy=remedy) from error.with_traceback(None)
    return given | ({"aws_session_token": part["aws_session_token"]} if part.get("aws_session_token") else {})
