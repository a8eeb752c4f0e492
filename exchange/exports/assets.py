"""What a policy refers to, as JSON-LD nodes: parties, their lawful bases, datasets with their fields, releases, recipients, and words."""

from collections.abc import Iterator

from agreements.items import BY_NAME
from agreements.model import Agreement, Dataset, Field, Party
from agreements.periods import Duration
from agreements.plain_english import field_in_words
from agreements.release import Release
from exchange.exports.vocabulary import CATEGORIES, LAWS, MEASURES, REGIMES, ROLES, SUBJECTS, Node, gdpr_terms, ref, typed, words


class Names:
    """The identifiers of one version's nodes. They begin with its reference, version and digest, and are nobody's addresses."""

    def __init__(self, agreement: Agreement) -> None:
        self.policy = f"urn:lcjp-exchange:agreement:{agreement.reference}:{agreement.version}:{agreement.digest}"
        self.purpose = f"{self.policy}:purpose"

    def party_id(self, party: str) -> str:
        """A party by its id."""
        return f"{self.policy}:party:{party}"

    def party(self, party: Party) -> str:
        """A party."""
        return self.party_id(party.id)

    def basis(self, party: Party, number: int) -> str:
        """A party's lawful basis, by its place."""
        return f"{self.party(party)}:basis:{number}"

    def bases(self, party: Party, dataset: Dataset) -> list[str]:
        """A party's lawful bases for a dataset."""
        return [self.basis(party, number) for number, one in enumerate(party.lawful_bases, 1) if dataset.name in one.datasets]

    def recipient(self, recipient: str) -> str:
        """A recipient by its id."""
        return f"{self.policy}:recipient:{recipient}"

    def dataset(self, dataset: Dataset) -> str:
        """A dataset."""
        return f"{self.policy}:dataset:{dataset.name}"

    def field(self, dataset: Dataset, field: Field) -> str:
        """A field of a dataset."""
        return f"{self.dataset(dataset)}:field:{field.name}"

    def deletion(self, dataset: Dataset) -> str:
        """The duty to destroy a dataset's rows."""
        return f"{self.dataset(dataset)}:deletion"

    def release(self, release: Release) -> str:
        """A release."""
        return f"{self.policy}:release:{release.name}"

    def permission(self, permission: str) -> str:
        """A permission to join kinds of people, by its name."""
        return f"{self.policy}:joining:{permission}"


def xsd_duration(duration: Duration) -> str:
    """As XML Schema writes it, which has no weeks: ``P10Y``, ``P18M``, ``P14D``."""
    years, months = divmod(duration.months, 12)
    return "P" + "".join(f"{count}{unit}" for count, unit in ((years, "Y"), (months, "M"), (duration.days, "D")) if count)


def nodes(agreement: Agreement) -> list[Node]:
    """Every node that the policy refers to, once."""
    name = Names(agreement)
    return [
        {"@id": name.purpose, "@type": ["dpv:Purpose", "skos:Concept"], "skos:prefLabel": words(agreement.purpose)},
        *(node for party in agreement.parties for node in _party(name, party)),
        *_recipients(name, agreement),
        *(node for dataset in agreement.datasets for node in _dataset(name, agreement, dataset)),
        *(_release(name, agreement, release) for release in agreement.releases),
        *_powers(name, agreement),
        *_items(name, agreement),
    ]


def _party(name: Names, party: Party) -> Iterator[Node]:
    yield {
        "@id": name.party(party),
        "@type": ["odrl:Party", ROLES[party.role]],
        "dcterms:identifier": party.id,
        "dcterms:title": words(party.name),
        "dcterms:alternative": words(party.short_name),
        "lcjp:registration": party.registration,
        "dpv:hasContact": party.contact,
        "lcjp:operatesHub": typed(str(party.operator).lower(), "boolean"),
    }
    for number, basis in enumerate(party.lawful_bases, 1):
        close = [ref(term) for term in gdpr_terms(basis.regime, basis.basis)]
        yield {
            "@id": name.basis(party, number),
            "@type": "dpv:LegalBasis",
            "dcterms:description": words(basis.basis),
            "lcjp:gateway": words(basis.gateway),
            "lcjp:regime": REGIMES[basis.regime],
            "lcjp:datasets": list(basis.datasets),
            "dpv:hasApplicableLaw": ref(LAWS[basis.regime]),
            # The terms are of the EU's regulation; the United Kingdom's is close to it and not the same.
            **({"skos:closeMatch": close} if close else {}),
        }


def _recipients(name: Names, agreement: Agreement) -> Iterator[Node]:
    for one in agreement.recipients:
        yield {
            "@id": name.recipient(one.id),
            "@type": ["odrl:Party", "dpv:Recipient"],
            "dcterms:identifier": one.id,
            "dcterms:title": words(one.name),
            "odrl:partOf": ref(name.party_id(one.party)),
        }
    if any(release.public for release in agreement.releases):
        yield {"@id": "lcjp:public", "@type": "odrl:PartyCollection", "dcterms:title": words("the public")}


def _dataset(name: Names, agreement: Agreement, dataset: Dataset) -> Iterator[Node]:
    yield {
        "@id": name.dataset(dataset),
        "@type": ["odrl:AssetCollection", "odrl:Asset"],
        "dcterms:identifier": dataset.name,
        "dcterms:title": words(dataset.title),
        "lcjp:row": words(dataset.grain),
        "lcjp:period": dataset.period.value,
        "lcjp:dueDays": typed(str(dataset.due_days), "integer"),
        "lcjp:mode": dataset.mode.value,
        "dcterms:source": [ref(name.party_id(supplier)) for supplier in dataset.suppliers],
        "dpv:hasDataSubject": [
            {
                "@id": f"{name.policy}:subjects:{one.value}",
                "@type": ["dpv:DataSubject", "skos:Concept"],
                "skos:prefLabel": words(SUBJECTS[one]),
            }
            for one in dataset.about
        ],
        "dcterms:hasPart": [ref(name.field(dataset, field)) for field in dataset.fields],
    }
    yield {
        "@id": f"{name.dataset(dataset)}:unnamed",
        "@type": "odrl:Asset",
        "dcterms:title": words(f"Every column of the suppliers' extracts for {dataset.title} that the agreement does not name"),
    }
    written = next(one for one in agreement.document["datasets"] if one["name"] == dataset.name)
    rules = {one["name"]: one["rule"] for one in written["fields"]}
    for field in dataset.fields:
        yield {
            "@id": name.field(dataset, field),
            "@type": ["odrl:Asset", CATEGORIES[field.category]],
            "dcterms:identifier": field.name,
            "odrl:partOf": ref(name.dataset(dataset)),
            "lcjp:madeFrom": field.source,
            "lcjp:type": field.type.value,
            # Whole, as the software reads it: its words name only the first of many values.
            "lcjp:rule": {"@type": "@json", "@value": rules[field.name]},
            "lcjp:mayBeEmpty": typed(str(field.may_be_empty).lower(), "boolean"),
            "dpv:hasTechnicalMeasure": {"@type": MEASURES[type(field.rule)], "dcterms:description": words(field.rule.describe())},
            "dcterms:description": words(field_in_words(field)),
            "dpv:hasJustification": {"@type": "dpv:Justification", "dcterms:description": words(field.reason)},
        }


def _release(name: Names, agreement: Agreement, release: Release) -> Node:
    return {
        "@id": name.release(release),
        "@type": ["odrl:Asset", "dpv:DerivedData"],
        "dcterms:identifier": release.name,
        "lcjp:measure": release.measure,
        "dcterms:title": words(release.title),
        "dcterms:description": words(release.question),
        "lcjp:counts": words(release.unit),
        "dcterms:source": [ref(name.dataset(one)) for one in agreement.datasets if one.name in release.datasets],
        "lcjp:base": release.base,
        "lcjp:caveats": {"@list": [words(caveat) for caveat in release.caveats]},
    }


def _powers(name: Names, agreement: Agreement) -> Iterator[Node]:
    for number, crossing in enumerate(agreement.crossings, 1):
        yield {
            "@id": f"{name.policy}:crossing:{number}",
            "@type": "dpv:LegalBasis",
            "lcjp:datasets": list(crossing.datasets),
            "lcjp:from": REGIMES[crossing.source],
            "lcjp:to": REGIMES[crossing.target],
            "lcjp:gateway": words(crossing.gateway),
        }
    for permission in agreement.permissions:
        yield {
            "@id": name.permission(permission.name),
            "@type": "lcjp:Joining",
            "dcterms:identifier": permission.name,
            "lcjp:joins": [who.value for who in permission.joins],
            "dcterms:description": words(permission.because),
        }


def _items(name: Names, agreement: Agreement) -> Iterator[Node]:
    """What the parties undertake in words, item by item."""
    for item, said in agreement.items.items():
        yield {
            "@id": f"{name.policy}:item:{item}",
            "@type": "dpv:OrganisationalMeasure",
            "dcterms:title": words(BY_NAME[item].title),
            "dcterms:description": words(said.words),
            "lcjp:applies": typed(str(said.applies).lower(), "boolean"),
            "dcterms:isPartOf": ref(name.policy),
        }
