"""The version of this code."""

from importlib.metadata import PackageNotFoundError, version


def code_version() -> str:
    """The version of this code, as far as it is installed."""
    try:
        return version("lcjp-exchange")
    except PackageNotFoundError:
        return "source"
