"""The whole agreement as one page of HTML that needs nothing but itself: for the printer, and what the PDF is made from.

It is not the agreement: that is the signed export, which anybody can verify. The page says so, and how.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from agreements.characters import deceives
from agreements.model import Agreement, Party, Person
from agreements.periods import day_in_words
from agreements.plain_english import Section, sections
from agreements.signing import Capacity, Voice
from exchange.exports.markup import table, tag, text
from exchange.exports.version import Stated, Version

STYLE = """
@page { size: A4; margin: 22mm 20mm 24mm; @bottom-left { content: "FOOT"; font: 8pt "Liberation Sans", "DejaVu Sans", sans-serif }
  @bottom-right { content: "Page " counter(page) " of " counter(pages); font: 8pt "Liberation Sans", "DejaVu Sans", sans-serif } }
html { font: 10pt/1.4 "Liberation Sans", "DejaVu Sans", sans-serif; color: #0b0c0c; hyphens: manual } body { margin: 0 }
h1 { font-size: 24pt; line-height: 1.15; margin: 30mm 0 4mm } h1 + p { font-size: 13pt; margin: 0 0 12mm }
h2 { font-size: 15pt; line-height: 1.2; margin: 9mm 0 3mm; break-after: avoid } h3 { font-size: 11.5pt; margin: 6mm 0 2mm; break-after: avoid }
tr { break-inside: avoid } p { margin: 0 0 2.5mm; orphans: 3; widows: 3 } table { width: 100%; border-collapse: collapse; margin: 0 0 5mm; table-layout: fixed }
caption { text-align: left; font-weight: bold; padding: 0 0 1.5mm; break-after: avoid }
th, td { text-align: left; vertical-align: top; padding: 1.4mm 3mm 1.4mm 0; border-bottom: .3pt solid #b1b4b6; overflow-wrap: anywhere }
thead th { border-bottom: 1pt solid #0b0c0c } tbody th { font-weight: normal }
.facts th { width: 42mm; font-weight: bold } .clauses thead th:first-child { width: 42mm } .clauses tbody th { color: #383f43; font-size: 8.5pt }
.exact { font-size: 8pt } .exact thead th:first-child { width: 80mm } .keys { font-size: 8.5pt } .keys td:last-child { font-family: "Liberation Mono",
  "DejaVu Sans Mono", monospace; font-size: 7.5pt } .keys thead th:nth-child(1), .keys thead th:nth-child(2) { width: 38mm }
.parties { font-size: 8.5pt } .parties thead th:last-child { width: 52mm }
.said { font-size: 8.5pt } .said thead th:nth-child(5) { width: 48mm }
nav ol { list-style: none; padding: 0; margin: 0 } nav li { margin: 0 0 1.2mm } nav a { color: inherit; text-decoration: none }
nav a::after { content: leader(".") target-counter(attr(href), page) } .contents { break-before: page } .first { break-before: page }
.warning { border-left: 2mm solid #0b0c0c; padding: 1mm 0 1mm 4mm; margin: 0 0 6mm }
"""
_SAID: Mapping[Voice, str] = {
    Voice.ADVISE_FOR: "advised for it",
    Voice.ADVISE_AGAINST: "advised against it",
    Voice.SIGN: "signed it",
    Voice.SUSPEND: "suspended it",
    Voice.RESUME: "took back the suspension",
    Voice.TERMINATE: "ended it",
}
_ADVICE = (Voice.ADVISE_FOR, Voice.ADVISE_AGAINST)


def printable(version: Version, printed: datetime) -> str:
    """The page, in British English, headings in order. ``printed``: when, since a state is true only for its moment."""
    agreement = version.agreement
    title = f"{agreement.reference} version {agreement.version}: {agreement.title}"
    parts = list(_parts(version))
    foot = f"{agreement.reference} version {agreement.version}"  # capitals, digits and hyphens: nothing that could leave a CSS string
    head = tag(
        "head",
        '<meta charset="utf-8">',
        text("title", title),
        '<meta name="viewport" content="width=device-width">',
        tag("style", STYLE.replace("FOOT", foot)),
    )
    contents = tag(
        "nav",
        text("h2", "Contents", id="contents"),
        tag("ol", *(tag("li", text("a", name, href=f"#part-{number}")) for number, (name, _) in enumerate(parts, 1))),
        class_="contents",
        aria_labelledby="contents",
    )
    body = (
        tag("section", text("h2", name, id=f"part-{number}"), inside, **({"class_": "first"} if number == 1 else {}))
        for number, (name, inside) in enumerate(parts, 1)
    )
    page = tag("body", tag("main", _title_page(version, printed), contents, *body))
    return "<!DOCTYPE html>\n" + tag("html", head, page, lang="en-GB")


def _title_page(version: Version, printed: datetime) -> str:
    agreement = version.agreement
    rows = [
        ("Reference", agreement.reference),
        ("Version", str(agreement.version)),
        ("Digest of the words", agreement.digest),
        ("State when this was printed", _state(version)),
        ("Printed", _moment(printed)),
        ("In force from", day_in_words(agreement.in_force_from)),
        ("Expires", day_in_words(agreement.expires)),
        ("To be reviewed by", day_in_words(agreement.review)),
        ("Between", "\n".join(f"{party.name} ({party.role.replace('-', ' ')})" for party in agreement.parties)),
    ]
    facts = tag("tbody", *(tag("tr", text("th", name, scope="row"), text("td", words)) for name, words in rows))
    warning = "This is a printed copy. What binds is the signed export; the last part says how to check it, and this copy against it."
    return tag(
        "section",
        text("h1", agreement.title),
        text("p", "Information-sharing agreement"),
        text("p", warning, class_="warning"),
        tag("table", text("caption", "This version"), facts, class_="facts"),
    )


def _state(version: Version) -> str:
    words = str(version.state).replace("-", " ").capitalize()
    if version.suspended:
        words += f"; suspended by themselves: {', '.join(version.suspended)}"
    return f"{words}; replaced by a newer version on {_moment(version.replaced_at)}" if version.replaced_at else words


def _parts(version: Version) -> Iterator[tuple[str, str]]:
    agreement = version.agreement
    for section in sections(agreement):
        yield section.title, _section(section)
    yield "Advice and signatures", _signatures(version)
    yield "People and keys named in this agreement", _named(agreement)
    for name in ("datasets", "releases", "approvals"):
        caption = f"Every value of the {name} as the software reads it"
        rows = list(_leaves(agreement.document.get(name, []), ""))
        if rows:
            yield f"Exact words: {name}", table(caption, ("Place", "Value"), rows, class_="exact")
    yield "How to check this agreement", _verifying(agreement)


def _section(section: Section) -> str:
    rows = [(sentence.clause, sentence.words.strip()) for sentence in section.sentences]
    return table("", ("Clause", "What is agreed"), rows, class_="clauses")


def _signatures(version: Version) -> str:
    agreement = version.agreement
    matrix = [(party.name, _last(version, party, _ADVICE), _last(version, party, (Voice.SIGN,))) for party in agreement.parties]
    said = [_statement_row(agreement, one) for one in version.statements]
    parts = [table("Who has advised and who has signed", ("Party", "Data protection officer", "Signatory"), matrix)]
    if said:
        head = ("Party", "Who", "What was said", "When", "Road and key")
        parts.append(table("Every statement about this version, in order", head, said, class_="said"))
    else:
        parts.append(text("p", "Nobody has made a statement about this version yet."))
    return "".join(parts)


def _last(version: Version, party: Party, voices: tuple[Voice, ...]) -> str:
    found = [one.said for one in version.statements if one.said.party == party.id and one.said.voice in voices]
    return f"{found[-1].person} {_SAID[found[-1].voice]}, {_moment(found[-1].made)}" if found else "not yet"


def _statement_row(agreement: Agreement, one: Stated) -> tuple[str, ...]:
    said, party = one.said, agreement.party(one.said.party)
    who = f"{said.person}, {'data protection officer' if said.capacity is Capacity.DPO else 'signatory'}"
    about = f" (dataset {said.dataset})" if said.dataset else ""
    words = f"{_SAID[said.voice]}{about}{_comment(said.comment)}"
    return (party.name if party else said.party, who, words, _moment(said.made), f"{one.road}\n{one.key}")


def _comment(comment: str) -> str:
    if deceives(comment.replace("\n", " ")):
        return "\n(a comment in characters that could deceive a reader; the signed export holds it)"
    return f"\n“{comment}”" if comment else ""


def _named(agreement: Agreement) -> str:
    about = [(party.name, party.id, party.short_name, party.registration, party.contact) for party in agreement.parties]
    head = ("Party", "Id", "Short name", "Registration with the Information Commissioner", "Contact")
    keys = [row for party in agreement.parties for row in _keys(agreement, party)]
    return table("Parties", head, about, class_="parties") + table("Fingerprints of keys", ("Party", "Use", "Key"), keys, class_="keys")


def _keys(agreement: Agreement, party: Party) -> Iterator[tuple[str, str, str]]:
    yield party.name, _person("data protection officer", party.dpo), party.dpo.key
    yield party.name, _person("signatory", party.signatory), party.signatory.key
    for checker in party.checkers:
        yield party.name, _person("output checker", checker), checker.key
    machines = {**(vars(party.keys) if party.keys else {}), **(vars(party.hub) if party.hub else {})}
    for use, key in ((use, key) for use, key in machines.items() if key):
        yield party.name, f"machine: {use}", key
    for recipient in (one for one in agreement.recipients if one.party == party.id):
        yield party.name, f"recipient {recipient.id}: {recipient.name}", recipient.client


def _person(what: str, person: Person) -> str:
    return f"{what}: {person.name}, {person.position}"


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every word, number and date, with its place: ``1.fields.2.name``. A list of words is one value."""
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        yield place, "; ".join(map(_plain, value))
    elif isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value, 1)
        for key, member in members:
            yield from _leaves(member, f"{place}.{key}".lstrip("."))
    else:
        yield place, _plain(value)


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _verifying(agreement: Agreement) -> str:
    file = f"{agreement.reference}-{agreement.version}.json"
    steps = (
        "Ask any party, or the hub, for the signed export of this version. It is one file and needs no hub to be checked.",
        f"Run: exchange agreement verify {file}",
        "It checks every signature in the file against the fingerprints that the agreement itself names. It uses no network.",
        "It also says whether every party has advised and signed.",
        f"Compare the digest it prints with this one: {agreement.digest}",
        "Compare each fingerprint above with the one that the person or party gave you by another way.",
        "If all agree, the words on these pages are the words that were signed.",
    )
    return tag("ol", *(text("li", step) for step in steps))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
