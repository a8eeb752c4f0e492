"""The lines that people paste into their tools, with this hub's address and this release's names in them.

Each is run in tests/functional/test_pulling.py as it stands here, where the tool is installed. The token is read from a file or the environment:
a line that is pasted into a script, and passed on with it, holds none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

TOKEN = "LCJP_TOKEN"  # noqa: S105  # the name of the variable that holds it


@dataclass(frozen=True)
class Paste:
    """One tool's lines. ``before``: what to do first, in words."""

    tool: str
    before: str
    lines: str


def pasted(base: str, reference: str, release: str, table: str, markers: Sequence[str]) -> tuple[Paste, ...]:
    """The lines for one table of the newest edition. ``base``: the hub's public address."""
    latest = f"{base}/v1/releases/{reference}/{release}/latest"
    shorthand = ", ".join(f'"{marker}"' for marker in markers)
    feed = f"{base}/odata/{reference}/{release}/"
    return (
        Paste("Power BI", _FEED, f'= OData.Feed("{feed}", null, [Implementation="2.0"])'),
        Paste("Excel", _EXCEL, f'= OData.Feed("{feed}", null, [Implementation="2.0"])'),
        Paste("R", f"Put the token into the environment variable {TOKEN}.", _R.format(url=f"{latest}/{table}.csv", na=shorthand)),
        Paste("Python", f"Put the token into the environment variable {TOKEN}.", _PYTHON.format(url=f"{latest}/{table}.csv", na=shorthand)),
        Paste(
            "curl",
            f"Put the token into the environment variable {TOKEN}. --etag-compare fetches only what has changed.",
            _CURL.format(url=latest, table=table),
        ),
    )


_FEED = "Get data, Blank query, Advanced editor. When it asks for credentials choose Basic: any user name, and the token as the password."
_EXCEL = (
    "Data, Get Data, From Other Sources, Blank Query, Advanced Editor. Choose Basic: any user name, and the token as the password. "
    "Or download edition.xlsx below and open it."
)
_R = """df <- read.csv(
  url("{url}", headers = c(Authorization = paste("Bearer", Sys.getenv("LCJP_TOKEN")))),
  na.strings = c({na}), check.names = FALSE, encoding = "UTF-8")"""
_PYTHON = """import os
import pandas as pd

df = pd.read_csv(
    "{url}",
    na_values=[{na}],
    storage_options={{"Authorization": f"Bearer {{os.environ['LCJP_TOKEN']}}"}},
)"""
_CURL = """curl --fail --oauth2-bearer "$LCJP_TOKEN" \\
  --etag-save {table}.etag --etag-compare {table}.etag \\
  --output {table}.csv {url}/{table}.csv"""
