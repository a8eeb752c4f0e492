"""Optional extras: modules of ours that need what not every hub has installed. They are loaded here, by name, and nowhere else."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from exchange.errors import Misconfigured


@dataclass(frozen=True)
class Extra:
    """A module of ours, what a hub cannot do without it, the name under which pip installs what it needs, and what else the system must have."""

    module: str
    does: str
    pip: str
    debian: tuple[str, ...]

    @property
    def remedy(self) -> str:
        """What the operator does to have it."""
        debian = f"; on Debian also: apt-get install {' '.join(self.debian)}" if self.debian else ""
        return f"The operator installs it: pip install '{self.pip}'{debian}"


EXTRAS: Mapping[str, Extra] = {
    "pdf": Extra(
        "exchange.pdf",
        "make a PDF",
        "lcjp-exchange[pdf]",
        ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core"),
    ),
    "charts": Extra("exchange.framework.charts", "draw charts", "lcjp-exchange[hub]", ()),
    "transit": Extra("keys.transit", "use a key service", "lcjp-exchange[hub]", ()),
    "s3": Extra("exchange.s3_service", "use an S3-compatible service", "lcjp-exchange[s3]", ()),
    "spark": Extra("exchange.releases.on_spark", "make editions on Spark", "lcjp-exchange[spark]", ("openjdk-17-jre-headless",)),
    "pkcs11": Extra("keys.hardware", "use a hardware module", "lcjp-exchange[pkcs11]", ()),
}


class ExtraMissing(Misconfigured):
    """What is asked for needs an extra that this hub does not have; everything else works."""

    status, code, title = 503, "extra-missing", "Not installed on this hub"


@cache
def load(name: str) -> ModuleType:
    """The module of an extra; :class:`ExtraMissing` says what to install. A library that cannot be loaded counts as not installed."""
    extra = EXTRAS[name]
    try:
        return importlib.import_module(extra.module)
    except (ImportError, OSError) as error:  # OSError: cffi does not find the system's library
        raise ExtraMissing(f"this hub cannot {extra.does}: what that needs is not installed.", remedy=extra.remedy) from error
