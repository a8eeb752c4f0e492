"""Nothing of an agreement is lost on the way: change any leaf of it, and the export changes, or the leaf is of a kind it leaves out.

What each leaves out, and why, is written in docs/exports.md; the patterns here are the same lists.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from agreements.lifecycle import State
from agreements.model import Agreement
from exchange.exports.odrl import policy
from exchange.exports.printable import printable
from exchange.exports.processing_records import record_of
from exchange.exports.public_register import entries, register_csv
from exchange.exports.version import Version
from tests.exchange.exports.changing import all_changes, unnoticed

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
PEOPLE_AND_KEYS = (
    r"parties\.\d+\.(signatory|checkers)\..*",
    r"parties\.\d+\.dpo\.key",
    r"parties\.\d+\.(keys|hub)\..*",
    r"recipients\.\d+\.client",
)
HOW_TABLES_ARE_MADE = (
    r"releases\.\d+\.derived\..*",
    r"releases\.\d+\.dimensions\..*",
    r"releases\.\d+\.tables\..*",
    r"releases\.\d+\.lookups\.\d+\.order\..*",
)
HOW_FIELDS_ARE_MADE = (
    r"datasets\.\d+\.(adapter|due_days|mode|suppliers\.\d+)",
    r"datasets\.\d+\.fields\.\d+\.(from|type|may_be_empty|reason|rule\..*)",
)
INSIDE = (
    r"parties\.\d+\.(id|short_name)",
    r"recipients\.\d+\.(id|party)",
    r"permissions\.\d+\.(name|because)",
    r"releases\.\d+\.(name|measure|permission|earlier_rows|question|unit|caveats\.\d+|recipients\.\d+|terms\..*)",
    r"agreement\.(after_end|back_fill_from|necessity|incident_contact|rights_contact)",
    r"approvals\.output_checkers",
)


def _items_but(*named: str) -> str:
    return rf"items\.(?!(?:{'|'.join(named)})\b).*"


def _print(agreement: Agreement) -> str:
    return printable(Version(agreement, State.IN_FORCE), NOW)


def _policy(agreement: Agreement) -> str:
    return json.dumps(policy(agreement))


def _records(agreement: Agreement) -> str:
    return "".join(record_of(agreement, party).csv() for party in agreement.parties)


def _register(agreement: Agreement) -> str:
    return register_csv(entries([Version(agreement, State.IN_FORCE, (), NOW)]))


CASES: dict[str, tuple[Callable[[Agreement], str], tuple[str, ...]]] = {
    "printed": (_print, ()),
    "policy": (_policy, (*PEOPLE_AND_KEYS, r"parties\.\d+\.dpo\..*", *HOW_TABLES_ARE_MADE, r"datasets\.\d+\.adapter")),
    "record of processing": (
        _records,
        (
            *PEOPLE_AND_KEYS,
            *HOW_TABLES_ARE_MADE,
            *HOW_FIELDS_ARE_MADE,
            *INSIDE,
            r"agreement\.(title|dpia|expires|in_force_from|review)",
            r"datasets\.\d+\.grain",
            r"crossings\.\d+\.gateway",
            _items_but("people", "sensitive", "policy_document", "security", "transfers", "automated_decisions"),
        ),
    ),
    "public register": (
        _register,
        (
            *PEOPLE_AND_KEYS,
            *HOW_TABLES_ARE_MADE,
            *HOW_FIELDS_ARE_MADE,
            *INSIDE,
            r"parties\.\d+\.(dpo\..*|registration|role)",
            r"datasets\.\d+\.fields\.\d+\.meaning",
            r"releases\.\d+\.(title|public)",
            _items_but("benefits", "stages"),
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_leaf_is_in_the_export_or_of_a_kind_that_it_leaves_out(name: str) -> None:
    export, left_out = CASES[name]
    lost = unnoticed(export)
    assert sorted(place for place in lost if not any(re.fullmatch(pattern, place) for pattern in left_out)) == []
    unused = [pattern for pattern in left_out if not any(re.fullmatch(pattern, place) for place in lost)]
    assert unused == [], "these kinds are not left out at all"


def test_nearly_every_leaf_was_tried() -> None:
    """The few that cannot change by themselves would make the agreement contradict itself: a period field, one of two regimes."""
    alone = {
        r"parties\.\d+\.operator",
        r"datasets\.\d+\.(period_field|fields\.\d+\.(name|type))",
        r"releases\.\d+\.(period_dimension|lookups\.\d+\.latest_by|dimensions\.\d+\.(name|source)|tables\.\d+\.dimensions\.\d+)",
        r"releases\.\d+\.derived\.\d+\.(first_of\.\d+|months_between\.\d+|bands\.\d+\.up_to)",
        r"crossings\.\d+\.(from|to)",
        r"permissions\.\d+\.joins\.\d+",
    }
    untried = [place for place, found in all_changes().items() if found is None]
    assert [place for place in untried if not any(re.fullmatch(pattern, place) for pattern in alone)] == []
    assert len(untried) < len(all_changes()) / 8
