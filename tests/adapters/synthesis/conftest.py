"""One invented partnership for all these tests, as the command writes it; and readers of it that share no code with what wrote it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from adapters.registry import find
from adapters.synthesis.calendar import Window
from adapters.synthesis.story import synthesise
from tests.adapters.contract import read_any

CODES = Path(__file__).resolve().parents[3] / "config" / "codes"
FIRST, LAST, SCALE = "2022-01", "2024-12", 0.2


@dataclass(frozen=True)
class Invented:
    """What was written: the folder, its index, the ledger."""

    folder: Path
    index: list[dict[str, Any]]

    def ledger(self, table: str) -> pd.DataFrame:
        """A table of the ledger; dates as days."""
        frame = pq.read_table(self.folder / "ledger" / f"{table}.parquet").to_pandas()
        for column in frame.columns:
            if column == "day" or column.endswith("_day") or column.startswith("listing_day"):
                frame[column] = pd.to_datetime(frame[column])
        return frame

    def extracts(self, name: str) -> list[dict[str, Any]]:
        """The lines of the index of extracts in folders of this name."""
        return [line for line in self.index if line["path"].split("/")[1] == name]

    def read(self, name: str, columns: tuple[str, ...], keep: Callable[[dict[str, Any]], bool] = lambda _: True) -> pd.DataFrame:
        """All extracts of a name as their source delivers them, with what the ledger says of each row."""
        frames = [self._one(line, columns) for line in self.extracts(name) if keep(line)]
        read = pd.concat(frames, ignore_index=True)
        rows = pq.read_table(self.folder / "ledger" / "rows.parquet").to_pandas()
        return read.merge(rows, on=["extract", "row"], validate="one_to_one")

    def _one(self, line: Mapping[str, Any], columns: tuple[str, ...]) -> pd.DataFrame:
        frame = read_any(find(line["adapter"]), self.folder / line["path"], *columns).to_pandas()
        frame["extract"], frame["row"], frame["supplier"] = line["number"], range(1, len(frame) + 1), line["supplier"]
        return frame


def window(scale: float = SCALE, first: str = FIRST, last: str = LAST) -> Window:
    return Window.between(first, last, scale)


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    folder = tmp_path_factory.mktemp("invented") / "partnership"
    synthesise(folder, window(), 20260101, CODES)
    return Invented(folder, json.loads((folder / "manifest.json").read_text())["extracts"])
