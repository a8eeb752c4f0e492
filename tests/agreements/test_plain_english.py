"""The English says everything that the software does, and nobody's words can pass for it."""

from dataclasses import replace

from agreements.items import ITEMS
from agreements.model import AfterEnd, Category, Mode
from agreements.plain_english import describe, field_in_words, sections, terms_in_words
from agreements.release import Level, Method, Terms, Zeros
from tests.agreements import papers

LINES = describe(papers.agreement())
WHOLE = "\n".join(LINES)


def test_every_field_its_rule_its_meaning_and_its_reason_are_said() -> None:
    for dataset in papers.agreement().datasets:
        for field in dataset.fields:
            [line] = [line for line in LINES if line == "  " + field_in_words(field)]
            assert all(word in line for word in (field.name, field.source, field.rule.describe(), field.meaning, field.reason))


def test_every_party_person_basis_dataset_retention_release_and_recipient_is_said() -> None:
    found = papers.agreement()
    words = [
        found.reference,
        found.title,
        found.purpose,
        found.necessity,
        found.dpia,
        found.incident_contact,
        found.rights_contact,
        found.digest,
    ]
    words += ["1 November 2026 until 1 November 2036", "1 May 2027", found.back_fill_from]
    for party in found.parties:
        words += [party.name, party.dpo.name, party.dpo.position, party.signatory.name, party.signatory.position]
        words += [text for basis in party.lawful_bases for text in (basis.basis, basis.gateway)]
    for dataset in found.datasets:
        words += [dataset.title, dataset.retention.in_words(), f"due {dataset.due_days} days"]
    for release in found.releases:
        words += [release.title, release.measure, release.question, release.unit, terms_in_words(release.terms), *release.caveats]
        words += [table.title for table in release.tables]
        words += [value for lookup in release.lookups for value in (*lookup.order, lookup.latest_by, lookup.then_by)]
        words += [value.name for value in release.derived] + [f"that have {name}" for name in release.present]
        words += [recipient.name for recipient in found.recipients if recipient.id in release.recipients]
    missing = [word for word in words if word not in WHOLE]
    assert not missing


def test_every_item_is_said_under_its_title_and_a_missing_one_is_named() -> None:
    found = papers.agreement()
    assert found.missing == ()
    for item in ITEMS:
        said = found.items[item.name]
        assert f"{item.title}: {said.words if said.applies else f'not applicable, {said.words}'}" in WHOLE

    without = papers.edited(lambda parsed: parsed["items"].pop("liability"))
    assert [item.name for item in without.missing] == ["liability"]
    assert "Liability: MISSING. Who bears what loss?" in "\n".join(describe(without))


def test_every_statement_stands_beside_a_clause_that_the_agreement_has() -> None:
    found = papers.agreement()
    names = {f"dataset {dataset.name}, field {field.name}" for dataset in found.datasets for field in dataset.fields}
    clauses = {sentence.clause for section in sections(found) for sentence in section.sentences}
    assert names <= clauses
    assert {f"parties, {party.id}" for party in found.parties} <= clauses
    assert {f"items, {item.name}" for item in ITEMS} <= clauses
    assert all(sentence.words.strip() for section in sections(found) for sentence in section.sentences)


def test_powers_and_permissions_are_said() -> None:
    def edit(parsed: papers.Document) -> None:
        parsed["parties"][2]["lawful_bases"][0]["regime"] = "part3"
        parsed["crossings"] = [{"datasets": ["crimes", "outcomes"], "from": "uk-gdpr", "to": "part3", "gateway": "By this very power."}]
        parsed["permissions"] = [{"name": "both-sides", "joins": ["victims", "suspects"], "because": "the measure follows both."}]
        parsed["releases"][0]["permission"] = "both-sides"

    said = "\n".join(describe(papers.edited(edit)))
    assert "crimes and outcomes pass from the UK GDPR to Part 3 of the Data Protection Act 2018" in said
    assert "By this very power." in said
    assert "“both-sides”: victims and suspects may be joined, because the measure follows both." in said
    assert "Joins victims and suspects by the permission “both-sides”." in said
    assert "No data pass from one part" in WHOLE


def test_every_choice_has_words_of_its_own() -> None:
    def said(table: str, name: str, choices: list[str]) -> set[str]:
        def edit(choice: str) -> papers.Edit:
            return lambda parsed: (parsed["datasets"][0] if table == "dataset" else parsed["agreement"]).update({name: choice})

        return {"\n".join(describe(papers.edited(edit(choice)))[:-1]) for choice in choices}

    assert len(said("dataset", "mode", list(Mode))) == len(Mode)
    assert len(said("agreement", "after_end", list(AfterEnd))) == len(AfterEnd)
    field = papers.dataset().fields[0]
    assert len({field_in_words(replace(field, category=category)) for category in Category}) == len(Category)


def test_a_public_release_is_said_to_be_public() -> None:
    assert "also public" not in WHOLE
    assert "; also public." in "\n".join(describe(papers.edited(lambda parsed: parsed["releases"][0].update(public=True))))


def test_a_changed_retention_or_threshold_changes_the_english() -> None:
    def edit(parsed: papers.Document) -> None:
        parsed["datasets"][0]["retention"] = "P90D"
        parsed["releases"][0]["terms"] = {"threshold": 5, "zeros": "suppressible", "level": "B"}

    said = "\n".join(describe(papers.edited(edit)))
    assert "Kept for 90 days after the end of the period" in said
    assert "Counts from 1 to 4 are never shown; a nought may be hidden" in said


def test_every_level_of_protection_has_its_own_words() -> None:
    said = {terms_in_words(Terms(10, Zeros.PUBLISHED, level)) for level in Level}
    assert len(said) == len(Level)


def test_every_method_of_protection_has_its_own_words() -> None:
    said = {terms_in_words(Terms(10, Zeros.PUBLISHED, Level.B, method, 20)) for method in Method}
    assert len(said) == len(Method)
    assert any(words.startswith("Every count is rounded to the nearest 20, ") for words in said)


def test_words_that_imitate_a_heading_stay_words() -> None:
    forged = "## Dataset cats: all of them\n# LCJP-MV7 version 9\n  crime (from crime_id) is sent in clear."

    def edit(parsed: papers.Document) -> None:
        parsed["agreement"]["purpose"] = forged
        parsed["releases"][0]["question"] = forged
        parsed["releases"][0]["caveats"] = [forged]
        parsed["datasets"][0]["fields"][0]["meaning"] = forged

    lines = describe(papers.edited(edit))
    assert all("\n" not in line for line in lines)
    assert [line for line in lines if line.startswith("#")] == [line for line in LINES if line.startswith("#")]
