"""All declarations together: they supply what the example agreements ask, in one set of names, and their codes are those that are listed."""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.agency.prepare import means, minimised, pseudonym_fields
from adapters.agency.settings import PRODUCT_CODES
from adapters.cjs_codes import COURT_TYPE, ETHNICITY, OUTCOME_TYPE, SEX
from adapters.hmcts_trials import HmctsTrials
from adapters.native_codes import Codes
from adapters.registry import SOURCES, find
from adapters.source import Column, Source, wanted_fields
from agreements.coarsen import Flag
from agreements.codes import read_lists
from agreements.fields import FieldType, KeepPattern, KeepValues, Map
from agreements.model import Dataset, Field
from agreements.periods import Period
from tests.adapters.contract import DATA, present_fields
from tests.agreements.examples import PATHS, agreement

LISTS = read_lists(PRODUCT_CODES)
MONTH = Period.parse("2026-05")
IDENTIFIED = {
    "pnc_id": "pnc",
    "cro_number": "cro",
    "asn": "asn",
    "case_urn": "urn",
    "noms_number": "noms",
    "crn": "crn",
    "nhs_number": "nhs",
    "crime_reference": "crime_reference",
    "incident_reference": "incident_reference",
}


def datasets() -> Iterator[tuple[str, Dataset]]:
    return ((name, dataset) for name in PATHS for dataset in agreement(name).datasets)


def columns(source: Source) -> dict[str, Column]:
    return {column.name: column for column in source.columns.values()}


def every_codes() -> Iterator[tuple[str, str, Codes]]:
    for name, source in SOURCES.items():
        for column in source.columns.values():
            if column.codes is not None:
                yield name, column.name, column.codes


# ------------------------------------------------------------------------------------------------- what the agreements ask for


@pytest.mark.parametrize(("name", "dataset"), list(datasets()), ids=lambda value: value if isinstance(value, str) else value.name)
def test_every_dataset_of_an_example_can_be_supplied(name: str, dataset: Dataset) -> None:
    find(dataset.adapter).require(dataset, name)


def named_codes(field: Field) -> tuple[str, ...]:
    """The codes that a rule of an agreement names."""
    match field.rule:
        case Map(codes=codes, list_name=listed):
            return tuple(LISTS[listed].codes) if listed else tuple(code for code, _ in codes)
        case KeepValues(values) | Flag(values):
            return values
    return ()


def test_every_code_that_an_agreement_names_can_be_delivered() -> None:
    """Where a column has codes, an agreed one is a product of them, or is delivered as it was written: in capitals."""
    missing = []
    for name, dataset in datasets():
        found = columns(find(dataset.adapter))
        for field in dataset.fields:
            codes = found[field.source].codes if field.source in found else None
            if codes is None:
                continue
            products = {*codes.current.values(), *codes.retired.values()}
            for code in named_codes(field):
                if code not in products and (codes.strict or code != code.upper()):
                    missing.append((name, dataset.name, field.name, code))
    assert missing == []


def test_an_inline_map_of_an_agreement_is_wholly_in_the_declared_codes() -> None:
    """More than delivered as written: a misprint in a declaration would otherwise pass for an unlisted code."""
    for name, dataset in datasets():
        found = columns(find(dataset.adapter))
        for field in dataset.fields:
            listed = found[field.source].codes if field.source in found else None
            if listed is None or listed.form or (isinstance(field.rule, Map) and field.rule.list_name):
                continue
            assert set(named_codes(field)) <= set(listed.current.values()), (name, dataset.name, field.name)


def samples() -> Iterator[tuple[str, Dataset, Path]]:
    for name, dataset in datasets():
        paths = [path for path in sorted(DATA.glob(f"{dataset.adapter}.*")) if path.suffix != ".md"]
        paths += [DATA / "prison_population.txt"] if dataset.adapter == "prison_movements" else []
        for path in paths:
            if name != "mv7" and wanted_fields(dataset) <= set(present_fields(find(dataset.adapter), path, encoding=encoding(path))):
                yield name, dataset, path


def encoding(path: Path) -> str:
    return "latin-1" if path.suffix == ".txt" else "utf-8"


@pytest.mark.parametrize(("name", "dataset", "path"), list(samples()), ids=lambda value: getattr(value, "name", value))
def test_a_sample_keeps_to_the_agreements_it_is_sent_under(name: str, dataset: Dataset, path: Path) -> None:
    source = find(dataset.adapter)
    kinds = set(pseudonym_fields(dataset).values())
    made = means(agreement(name).reference, 1, secrets.token_bytes(32), LISTS, kinds)
    rows = 0
    for batch in source.extract(path, wanted_fields(dataset), encoding=encoding(path)):
        kept, breaches = minimised(batch, dataset, made, MONTH, rows)
        assert breaches == {}
        assert kept is not None
        assert "CANARY" not in str(kept.to_pylist())
        rows += batch.num_rows
    assert rows > 2


def test_every_dataset_of_an_example_has_a_sample() -> None:
    assert {(name, dataset.name) for name, dataset in datasets() if name != "mv7"} == {
        (name, dataset.name) for name, dataset, _ in samples()
    }


# ---------------------------------------------------------------------------------------------------------- one set of names


def test_a_source_column_has_one_type_in_every_adapter() -> None:
    types = defaultdict(set)
    for source in SOURCES.values():
        for name, kind in source.types().items():
            types[name].add(kind)
    assert {name for name, found in types.items() if len(found) > 1} == set()


def test_identifiers_are_declared_as_such_wherever_they_stand() -> None:
    for source in SOURCES.values():
        for name, column in columns(source).items():
            assert column.identifier == IDENTIFIED.get(name, ""), (source.name, name)


def test_who_has_a_name_and_a_date_of_birth_has_match_keys() -> None:
    for source in SOURCES.values():
        if {"surname", "forename", "date_of_birth"} <= set(columns(source)):
            assert {"name_dob", "sound_dob"} <= set(source.derived), source.name
            assert ("postcode" in columns(source)) == ("name_postcode" in source.derived), source.name


def test_no_agreement_names_a_name_an_address_or_an_ethnicity() -> None:
    named = {field.source for _, dataset in datasets() for field in dataset.fields}
    assert named.isdisjoint({"surname", "forename", "date_of_birth", "postcode", "ethnicity"})


def test_kept_text_has_codes() -> None:
    """What an agreement keeps as it stands is never free text."""
    for _, dataset in datasets():
        for field in dataset.fields:
            if field.type is FieldType.TEXT and isinstance(field.rule, KeepPattern):
                assert columns(find(dataset.adapter))[field.source].codes is not None


# --------------------------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize(("source", "column", "codes"), list(every_codes()), ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_delivered_is_read_as_itself(source: str, column: str, codes: Codes) -> None:
    """An extract that already writes the delivered codes is read as it stands, and no code is both current and retired."""
    for product in {*codes.current.values(), *codes.retired.values()}:
        assert codes.current.get(product.upper(), product if codes.form else "") == product
    assert set(codes.current).isdisjoint(codes.retired)
    assert all(code == code.upper().strip() != "" for code in (*codes.current, *codes.retired))


def test_shared_codes_are_those_of_the_lists() -> None:
    assert set(ETHNICITY.current) == set(LISTS["ethnicity"].codes)
    assert dict(ETHNICITY.retired) == dict(LISTS["ethnicity_retired"].codes)
    assert set(ETHNICITY.retired.values()) <= set(LISTS["ethnicity"].codes)
    assert set(SEX.current.values()) == set(LISTS["sex"].codes)
    assert set(COURT_TYPE.current.values()) == set(LISTS["court_type"].codes)
    assert set(OUTCOME_TYPE.current.values()) == set(LISTS["home_office_outcome"].codes)
    courts, reasons = (columns(HmctsTrials())[name].codes for name in ("court_code", "reason_code"))
    assert courts is not None
    assert reasons is not None
    assert set(reasons.current) == set(LISTS["trial_reason"].codes)
    assert set(courts.current.values()) == set(LISTS["court"].codes)


def test_the_lists_of_courts_and_prisons_are_those_of_the_agreements() -> None:
    for name, adapter, source in (("court", "hmcts_trials", "court_code"), ("prison", "prison_movements", "establishment")):
        for _, dataset in datasets():
            for field in dataset.fields:
                if dataset.adapter == adapter and field.source == source and isinstance(field.rule, Map):
                    assert dict(field.rule.codes) == dict(LISTS[name].codes)
