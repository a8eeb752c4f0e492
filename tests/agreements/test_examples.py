"""The shipped agreements: whole, in one set of names, and no looser than their measures need."""

import random
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator

import pytest

from agreements.coarsen import Flag, Generalise
from agreements.document import canonical, placeholders, read, read_canonical
from agreements.errors import InvalidDocument
from agreements.fields import FieldType, KeepPattern, KeepRange, Map, PseudonymiseRule
from agreements.minimisation import findings
from agreements.model import Category, Dataset, Field, Regime
from agreements.plain_english import describe
from tests.agreements import examples, papers
from tests.agreements.examples import ADAPTERS, MEASURES, PARTIES, PATHS, WORKSTREAMS, agreement

MAPPING = (papers.ROOT / "docs" / "measures-fields.md").read_text(encoding="utf-8")


def every_field(names: tuple[str, ...] = tuple(PATHS)) -> Iterator[tuple[str, Dataset, Field]]:
    return ((name, dataset, field) for name in names for dataset in agreement(name).datasets for field in dataset.fields)


def dataset_of(name: str, dataset: str) -> Dataset:
    found = agreement(name).dataset(dataset)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------------------------- whole


@pytest.mark.parametrize("name", PATHS)
def test_an_example_is_whole_and_says_nothing_that_is_left_open(name: str) -> None:
    found = agreement(name)
    assert found.missing == ()
    assert not placeholders(examples.text(name))
    assert "MISSING" not in "\n".join(describe(found))
    assert len(examples.text(name).encode()) < 1 << 20


def test_together_they_hold_every_source_and_every_party() -> None:
    assert set(WORKSTREAMS) | {"mv7"} == set(PATHS)
    assert {dataset.adapter for _, dataset, _ in every_field()} == set(ADAPTERS)
    assert {party.id for name in PATHS for party in agreement(name).parties} == set(PARTIES)
    assert len({agreement(name).reference for name in PATHS}) == len(PATHS)


@pytest.mark.parametrize("name", WORKSTREAMS)
def test_every_party_has_something_to_do(name: str) -> None:
    found = agreement(name)
    suppliers = {supplier for dataset in found.datasets for supplier in dataset.suppliers}
    for party in found.parties:
        assert (party.keys is not None) == (party.id in suppliers), party.id
        assert party.contact.endswith(".example")
        assert "illustrative" in party.registration


def test_a_party_has_the_same_people_and_keys_in_every_agreement() -> None:
    seen = defaultdict(set)
    for name in PATHS:
        for party in agreement(name).parties:
            seen[party.id].add((party.name, party.dpo, party.signatory, party.checkers, party.keys, party.hub))
    assert {party for party, found in seen.items() if len(found) > 1} == set()


@pytest.mark.parametrize("name", PATHS)
def test_the_digest_does_not_depend_on_layout_or_order(name: str) -> None:
    found = agreement(name)
    for seed in range(3):
        again = read(papers.toml(tomllib.loads(examples.text(name)), random.Random(seed)))
        assert again.digest == found.digest
    assert read_canonical(canonical(found)) == found


# --------------------------------------------------------------------------------------------------------- one set of names


def test_a_source_column_has_one_type_everywhere() -> None:
    types = defaultdict(set)
    for _, _, field in every_field():
        types[field.source].add(field.type)
    assert {source for source, found in types.items() if len(found) > 1} == set()


def test_a_field_of_an_adapter_is_the_same_in_every_agreement() -> None:
    """Nothing is excepted: what one agreement needs more finely has another name there (``charge_date`` beside ``charge_month``)."""
    seen = defaultdict(set)
    for _, dataset, field in every_field():
        seen[dataset.adapter, field.name].add((field.source, field.type, field.rule, field.may_be_empty, field.category, field.meaning))
    assert {place for place, found in seen.items() if len(found) > 1} == set()


def test_a_dataset_name_is_one_extract_everywhere() -> None:
    seen = defaultdict(set)
    for name in PATHS:
        for one in agreement(name).datasets:
            seen[one.name].add((one.adapter, one.title, one.grain, one.about, one.suppliers, one.period, one.mode, one.due_days))
    assert {name for name, found in seen.items() if len(found) > 1} == set()
    assert {len(found) for found in seen.values()} == {1}


def test_names_tell_what_leaves() -> None:
    for name, _, field in every_field(WORKSTREAMS):
        place = f"{name} {field.name}"
        dated = field.type is FieldType.DATE
        assert (isinstance(field.rule, KeepRange) and dated) == field.name.endswith("_date"), place
        assert (field.rule == Generalise("month") and dated) == field.name.endswith("_month"), place  # type: ignore[arg-type]
        assert (field.name in ("crime", "case", "incident") or field.name.startswith("person_")) == isinstance(
            field.rule, PseudonymiseRule
        ), place
        if isinstance(field.rule, PseudonymiseRule):
            assert field.rule.kind == field.name, place
        if isinstance(field.rule, Flag):
            assert (field.rule.values, field.may_be_empty) == (("Y",), False), place


def test_a_kind_of_pseudonym_has_one_source_column() -> None:
    sources = defaultdict(set)
    for _, _, field in every_field():
        if isinstance(field.rule, PseudonymiseRule):
            sources[field.rule.kind].add(field.source)
    assert {kind for kind, found in sources.items() if len(found) > 1} == set()
    described = set(re.findall(r"^\| `(\w+)` \| `\w+` \|", MAPPING.split("## Kinds of pseudonym")[1].split("##")[0], re.MULTILINE))
    assert described | {"published_crime"} == set(sources)


DELIVERED = {"court", "court_type", "ethnicity", "ethnicity_retired", "home_office_outcome", "prison", "sex"}
"""Lists of what adapters deliver (``tests/adapters/test_declarations.py``), which the examples write out as short maps."""


def test_code_lists_are_those_that_are_shipped() -> None:
    named = [field.rule for _, _, field in every_field() if isinstance(field.rule, Map) and field.rule.list_name]
    for rule in named:
        assert papers.LISTS[rule.list_name].digest == rule.list_digest
        assert set(papers.LISTS[rule.list_name].values) == set(rule.values)
    assert {rule.list_name for rule in named} | {"crime_type"} == set(papers.LISTS) - DELIVERED


# ----------------------------------------------------------------------------------------------------------- no looser than needed


def mapped() -> dict[str, dict[str, set[str]]]:
    """Measure → agreement → fields, as docs/measures-fields.md says."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for measure, name, cell in re.findall(r"^\| (M[EVR]\d) \| `(\w+)` \| ([^|]+) \|", MAPPING, re.MULTILINE):
        for part in cell.split(";"):
            dataset, *fields = re.findall(r"`(\w+)`", part)
            found[measure][name].update(f"{dataset}.{field}" for field in fields)
    return found


def test_every_measure_has_its_fields_and_every_field_its_measure() -> None:
    said = mapped()
    assert sorted(said) == sorted(MEASURES)
    assert all(len(agreements) == 1 for agreements in said.values())
    for name in WORKSTREAMS:
        agreed = {f"{dataset.name}.{field.name}" for _, dataset, field in every_field((name,))}
        assert agreed == set().union(*(agreements[name] for agreements in said.values() if name in agreements))


def test_every_source_column_is_told_to_adapters() -> None:
    for _, dataset, field in every_field(WORKSTREAMS):
        [line] = re.findall(rf"^\| `{dataset.adapter}` \| (`\w+` \(.*)$", MAPPING, re.MULTILINE)
        assert f"`{field.source}` ({field.type})" in line


def test_a_reason_names_the_measures_that_need_the_field() -> None:
    said = mapped()
    for name, dataset, field in every_field(WORKSTREAMS):
        named = set(re.findall(r"M[EVR]\d", field.reason))
        needing = {measure for measure, found in said.items() if f"{dataset.name}.{field.name}" in found.get(name, set())}
        assert named <= needing, f"{name} {dataset.name}.{field.name}: {named - needing}"
        assert named or "not needed" in field.reason, f"{name} {dataset.name}.{field.name}"


def test_no_text_is_free_and_nothing_more_than_agreed_kinds_of_text_leaves() -> None:
    assert not [field.name for _, _, field in every_field() if isinstance(field.rule, KeepPattern)]
    assert not [field.name for _, _, field in every_field() if "ethnic" in field.name + field.source]


@pytest.mark.parametrize("name", WORKSTREAMS)
def test_whatever_is_more_than_releases_use_is_told_with_its_reason(name: str) -> None:
    """What the review finds and what the mapping explains are the same, no more and no less."""
    section = MAPPING.split("## More than releases use")[1].split("\n## ")[0]
    told = re.findall(rf"^\| `{name}` \| `(\w+)` \| `(\w+)` \| \S.+ \|$", section, re.MULTILINE)
    found = [re.sub("dataset |field ", "", finding.clause).split(", ") for finding in findings(agreement(name))]
    assert sorted(map(list, told)) == sorted(found)


def test_victims_are_never_given_a_key_of_a_suspect() -> None:
    for dataset in agreement("victims").datasets:
        if {"suspects", "convicted"} & set(dataset.about):
            assert not [field.name for field in dataset.fields if field.name.startswith("person_")]


@pytest.mark.parametrize("name", WORKSTREAMS)
def test_sensitive_fields_are_processed_under_a_condition_for_them(name: str) -> None:
    found = agreement(name)
    for dataset in found.datasets:
        categories = {field.category for field in dataset.fields}
        for party in found.parties:
            for basis in party.bases_of(dataset.name):
                place = f"{party.id} {dataset.name}"
                if party.operator:
                    assert "Article 28" in basis.basis, place
                elif basis.regime is Regime.PART_3:
                    assert ("Schedule 8" in basis.basis) >= (Category.SPECIAL in categories), place
                else:
                    assert ("9(2)(j)" in basis.basis) >= (Category.SPECIAL in categories), place
                    assert ("10 with" in basis.basis) >= (Category.OFFENCE in categories), place


def test_history_lasts_as_long_as_the_longest_window() -> None:
    # MR1: twelve months of entries, twelve to follow, six to prove, and a year from charge to conviction before the first.
    assert all(
        dataset_of("reoffending", one).retention.months >= 12 + 12 + 6 + 12 for one in ("charges", "prison_movements", "yos_interventions")
    )
    assert all(dataset_of("reoffending", one).retention.months >= 30 for one in ("nps_caseload", "crc_caseload", "ecins_cases"))
    # MV5 looks back 365 days, MV6 on twelve months: the month between is held throughout.
    assert all(
        dataset_of("victims", one).retention.months >= 12 + 12 + 1 for one in ("victims", "charges", "cps_completed", "witness_days")
    )
    # ME5: the charge may lie a year and more before the completion.
    assert dataset_of("effectiveness", "charges").retention.months > dataset_of("effectiveness", "cps_completed").retention.months


# -------------------------------------------------------------------------------------------------------- powers and permissions


@pytest.mark.parametrize("name", WORKSTREAMS)
def test_every_crossing_and_permission_is_needed(name: str) -> None:
    parsed = tomllib.loads(examples.text(name))
    crossed = [place for crossing in parsed["crossings"] for place in crossing["datasets"]]
    assert crossed
    for dataset in crossed:
        without = tomllib.loads(examples.text(name))
        for crossing in without["crossings"]:
            crossing["datasets"] = [one for one in crossing["datasets"] if one != dataset]
        with pytest.raises(InvalidDocument, match=f"dataset {dataset} passes from part3 to uk-gdpr"):
            papers.build(without)
    used = {release["permission"] for release in parsed["releases"] if "permission" in release}
    assert used == {permission["name"] for permission in parsed.get("permissions", [])}
    for release in (place for place, one in enumerate(parsed["releases"]) if "permission" in one):
        without = tomllib.loads(examples.text(name))
        del without["releases"][release]["permission"]
        with pytest.raises(InvalidDocument, match="names no permission to join all of them"):
            papers.build(without)
