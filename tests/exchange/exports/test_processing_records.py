"""The record of processing of each party: the items that its law asks for, and no others."""

import csv
import io
import json

import pytest

from agreements.model import Role
from exchange.exports.processing_records import ASKED, COLUMNS, Law, record_of
from tests.agreements import papers
from tests.exchange.exports.changing import original, whole


def entries(party: str) -> list[dict[str, str]]:
    found = original().party(party)
    assert found is not None
    return [dict(entry) for entry in record_of(original(), found).entries]


@pytest.mark.parametrize(
    ("party", "law"),
    [
        ("cleveland-police", Law.SECTION_61_2),
        ("durham-constabulary", Law.ARTICLE_30_1),
        ("lcjp-operator", Law.ARTICLE_30_2),
    ],
)
def test_each_party_has_the_record_of_its_role_and_regime(party: str, law: Law) -> None:
    found = entries(party)
    assert [entry["dataset"].split(":")[0] for entry in found] == ["crimes", "outcomes"]
    for entry in found:
        assert entry["law"] == law.value
        assert tuple(entry) == ASKED[law]
        assert all(entry[column] for column in ASKED[law] if column != "other_processors")


def test_a_processor_under_part_3() -> None:
    parsed = whole()
    parsed["parties"][2]["lawful_bases"][0]["regime"] = "part3"
    agreement = papers.build(parsed)
    found = record_of(agreement, agreement.operator).entries
    assert {entry["law"] for entry in found} == {Law.SECTION_61_4.value}
    assert "no sub-processor" in found[0]["other_processors"]
    assert "retention" not in found[0]


def test_a_party_with_two_regimes_has_an_entry_for_each() -> None:
    parsed = whole()
    basis = {"datasets": ["crimes"], "regime": "uk-gdpr", "basis": "UK GDPR Article 6(1)(e)", "gateway": "a power"}
    parsed["parties"][0]["lawful_bases"].append(basis)
    agreement = papers.build(parsed)
    found = record_of(agreement, agreement.parties[0]).entries
    assert [entry["law"] for entry in found] == [Law.SECTION_61_2, Law.ARTICLE_30_1, Law.SECTION_61_2]


def test_joint_controllers_name_each_other_and_the_processor_names_its_controllers() -> None:
    assert "Durham Constabulary" in entries("cleveland-police")[0]["joint_controllers"]
    assert "Cleveland Police" not in entries("cleveland-police")[0]["joint_controllers"]
    controllers = entries("lcjp-operator")[0]["controllers"]
    assert "Cleveland Police" in controllers
    assert "Durham Constabulary" in controllers
    assert all(party.role is not Role.CONTROLLER for party in original().parties)


def test_recipients_and_retention_are_those_of_the_agreement() -> None:
    entry = entries("durham-constabulary")[0]
    assert "Performance team of the partnership" in entry["recipients"]
    assert "the public" in entry["recipients"]
    assert entry["retention"] == "10 years after the end of the month, then destroyed"
    assert "[criminal offence]" in entry["personal_data"]


def test_csv_and_json_say_the_same() -> None:
    for party in original().parties:
        record = record_of(original(), party)
        rows = list(csv.DictReader(io.StringIO(record.csv(), newline="")))
        assert tuple(rows[0]) == COLUMNS
        kept = [{key: value for key, value in row.items() if key in ASKED[Law(row["law"])]} for row in rows]
        document = json.loads(json.dumps(record.document()))
        assert document["entries"] == kept
        assert (document["party"], document["digest"]) == (party.id, original().digest)
