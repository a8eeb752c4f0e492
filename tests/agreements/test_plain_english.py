"""The English says everything that the software does, and nobody's words can pass for it."""

from agreements.plain_english import describe, field_in_words, terms_in_words
from agreements.release import Level, Terms, Zeros
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
    words += [str(day) for day in (found.in_force_from, found.expires, found.review, found.back_fill_from)]
    for party in found.parties:
        words += [party.name, party.dpo.name, party.dpo.position, party.signatory.name, party.signatory.position]
        words += [text for basis in party.lawful_bases for text in (basis.basis, basis.gateway)]
    for dataset in found.datasets:
        words += [dataset.title, dataset.retention.in_words(), f"due {dataset.due_days} days"]
    for release in found.releases:
        words += [release.title, release.measure, release.question, release.unit, terms_in_words(release.terms), *release.caveats]
        words += [table.title for table in release.tables]
        words += [recipient.name for recipient in found.recipients if recipient.id in release.recipients]
    missing = [word for word in words if word not in WHOLE]
    assert not missing


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
