"""An agreement's words beside their clauses, ready to be shown; and the address at which a clause is read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from agreements.model import Agreement
from agreements.plain_english import Sentence, sections
from exchange.web.links import agreement_link

_CITED = re.compile(r"^([A-Z0-9-]{1,40}) version (\d{1,9})(?:, (.+))?$", re.DOTALL)
# Refusals cite these too, and no sentence of the document stands under them: the page has a place for each.
OTHER_PLACES = ("parties", "datasets", "recipients", "releases", "linkages", "lifecycle", "suspension", "versions")


@dataclass(frozen=True)
class Passage:
    """Statements that stand together in one clause. ``anchor``: its id on the page; empty where the clause was met before."""

    clause: str
    anchor: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """A heading, its id on the page, and its passages."""

    title: str
    anchor: str
    passages: tuple[Passage, ...]


def anchor(place: str) -> str:
    """The id of a clause on the agreement's page: ``clause-dataset-crimes-retention``."""
    return "clause-" + re.sub(r"[^a-z0-9_]+", "-", place.lower()).strip("-")


def chapters(agreement: Agreement) -> list[Chapter]:
    """The whole agreement."""
    seen: set[str] = set()
    return [
        Chapter(section.title, f"part-{number}", tuple(_passages(section.sentences, seen)))
        for number, section in enumerate(sections(agreement), 1)
    ]


def passages(sentences: Iterable[Sentence]) -> list[Passage]:
    """Some sentences, by clause."""
    return list(_passages(sentences, set()))


def _passages(sentences: Iterable[Sentence], seen: set[str]) -> Iterable[Passage]:
    for clause, together in groupby(sentences, key=lambda one: one.clause):
        place = anchor(clause)
        yield Passage(clause, "" if place in seen else place, tuple(one.words.strip() for one in together))
        seen.add(place)


def clause_link(cited: str) -> str:
    """The address of a clause as refusals cite it; empty where the citation is of no agreement."""
    found = _CITED.match(cited)
    if found is None:
        return ""
    reference, version, place = found.groups()
    return agreement_link(reference, int(version)) + (f"#{anchor(_shown(place))}" if place else "")


def link_to(agreement: Agreement, clause: str) -> str:
    """The address of a clause of this agreement, cited in full or by its place alone."""
    return clause_link(clause) or f"{agreement_link(agreement.reference, agreement.version)}#{anchor(_shown(clause))}"


def _shown(place: str) -> str:
    """The place on the page that shows a clause: matters of a dataset that no sentence is about are read at the dataset's beginning."""
    head, _, rest = place.partition(", ")
    if head.startswith("dataset ") and rest.partition(" ")[0] not in ("about", "suppliers", "mode", "retention", "field"):
        return f"{head}, about"
    if head.startswith("release ") and rest.partition(" ")[0] not in _OF_A_RELEASE:
        return f"{head}, question"
    return place


_OF_A_RELEASE = ("question", "definition", "table", "permission", "terms", "earlier", "recipients", "caveats")


# ------------------------------------------------------------------------------------------------- what is to be reviewed


@dataclass(frozen=True)
class Task:
    """One section of a review: its name in addresses and in the table, its title, the question to ask oneself, and the words to read."""

    name: str
    title: str
    question: str
    passages: tuple[Passage, ...]


def tasks(agreement: Agreement) -> list[Task]:
    """Every section of a review, in order. Each sentence of the agreement stands in one of them at least; the last is about risk."""
    said = [(section, one) for section in sections(agreement) for one in section.sentences]

    def those(*wanted: str) -> tuple[Passage, ...]:
        return tuple(passages(one for _, one in said if _begins(one.clause, wanted)))

    found = [
        Task("purpose", "Check the purpose", "Is this what the parties want, and is it necessary?", those("purpose", "necessity", "DPIA")),
        Task(
            "parties",
            "Check parties, lawful bases and gateways",
            "Are these the right organisations and people, and does each share by the law that is named?",
            those("parties", "crossings", "permissions", "contacts"),
        ),
    ]
    for dataset in agreement.datasets:
        found.append(
            Task(
                f"dataset-{dataset.name}",
                f"Check the data items of {dataset.name}",
                "Is each item needed, and is no more of it shared than its rule lets through?",
                those(f"dataset {dataset.name}", "datasets"),
            )
        )
    if linked := those(*(f"linkage {one.name}" for one in agreement.linkages)):
        found.append(
            Task(
                "linkages",
                "Check how people are linked",
                "May these records be brought together, and is enough done against wrong links?",
                linked,
            )
        )
    kept = tuple(passages(one for _, one in said if one.clause.endswith(", retention") or one.clause in ("term", "items, disposal")))
    released = tuple(passages(one for _, one in said if one.clause.startswith("release ") and not one.clause.endswith(", terms")))
    guarded = tuple(
        passages(one for _, one in said if one.clause.endswith(", terms") or _begins(one.clause, ("approvals", "items, security")))
    )
    found += [
        Task("retention", "Check the retention", "Are data kept for as long as they are needed, and no longer?", kept),
        Task("releases", "Check releases and recipients", "Does each release answer its question, and go to those who need it?", released),
        Task("protection", "Check the protection", "Could anybody be recognised in what is published?", guarded),
        Task("undertakings", "Check what the parties undertake", "Can your organisation keep to every one of these?", those("items")),
        Task("risk", "Check the risk", "Have you weighed what is new, what is looser than it need be, and what it would change?", ()),
    ]
    return found


def _begins(clause: str, wanted: Iterable[str]) -> bool:
    return any(clause == one or clause.startswith(f"{one}, ") for one in wanted)
