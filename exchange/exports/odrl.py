"""The agreement as a policy for machines: an ODRL 2.2 Agreement with DPV 2.1 terms, in JSON-LD.

What the software enforces is the agreement itself; this says the same to systems that speak ODRL. ``docs/exports.md`` lists what it
leaves out (people, keys, and how exactly tables are counted).
"""

from collections.abc import Iterator
from typing import Any

from agreements.model import ACCUSED, HARMED, AfterEnd, Agreement, Dataset, Party
from agreements.plain_english import terms_in_words
from agreements.release import Release
from exchange.exports.assets import Names, nodes, xsd_duration
from exchange.exports.vocabulary import CONTEXT, PROFILE, Node, constraint, profile, ref, typed, words


def policy(agreement: Agreement) -> dict[str, Any]:
    """The JSON-LD document: the policy, then everything it refers to."""
    return {"@context": dict(CONTEXT), "@graph": [_agreement(agreement), *nodes(agreement), *profile()]}


def _agreement(agreement: Agreement) -> Node:
    name = Names(agreement)
    return {
        "@id": name.policy,
        "@type": "odrl:Agreement",
        "odrl:uid": ref(name.policy),
        "odrl:profile": ref(PROFILE),
        "odrl:conflict": ref("odrl:prohibit"),
        "dcterms:identifier": agreement.reference,
        "dcterms:hasVersion": str(agreement.version),
        "dcterms:title": words(agreement.title),
        "dcterms:description": words(agreement.necessity),
        "lcjp:digest": agreement.digest,
        "lcjp:impactAssessment": words(agreement.dpia),
        "lcjp:rightsContact": words(agreement.rights_contact),
        "dpv:hasPurpose": ref(name.purpose),
        "odrl:permission": _numbered(name, "permission", _permissions(agreement)),
        "odrl:prohibition": _numbered(name, "prohibition", _prohibitions(agreement)),
        "odrl:obligation": _numbered(name, "obligation", _obligations(agreement)),
    }


def _numbered(name: Names, kind: str, rules: Iterator[Node]) -> list[Node]:
    """Rules with their identifiers: by number, where they have none of their own."""
    what = "odrl:Duty" if kind == "obligation" else f"odrl:{kind.capitalize()}"
    return [{"@id": f"{name.policy}:{kind}:{number}", "@type": what, **rule} for number, rule in enumerate(rules, 1)]


# ------------------------------------------------------------------------------------------------------- permissions


def _permissions(agreement: Agreement) -> Iterator[Node]:
    for dataset in agreement.datasets:
        for party in (one for one in agreement.parties if one.id in dataset.suppliers):
            yield _share(agreement, dataset, party)
        yield _store(agreement, dataset)
    for release in agreement.releases:
        for dataset in (one for one in agreement.datasets if one.name in release.datasets):
            yield _aggregate(agreement, dataset, release)
        yield _distribute(agreement, release)


def _share(agreement: Agreement, dataset: Dataset, party: Party) -> Node:
    name = Names(agreement)
    start = constraint("lcjp:periodStart", "gteq", typed(agreement.back_fill_from, "string"))
    return {
        "odrl:action": ref("dpv:Share"),
        "odrl:target": ref(name.dataset(dataset)),
        "odrl:assigner": ref(name.party(party)),
        "odrl:assignee": ref(name.party(agreement.operator)),
        "dpv:hasLegalBasis": [ref(found) for found in name.bases(party, dataset)],
        "odrl:constraint": [*_limits(agreement), start],
    }


def _store(agreement: Agreement, dataset: Dataset) -> Node:
    name = Names(agreement)
    kept = constraint("odrl:elapsedTime", "lteq", typed(xsd_duration(dataset.retention), "duration"))
    return {
        "odrl:action": ref("dpv:Store"),
        "odrl:target": ref(name.dataset(dataset)),
        "odrl:assigner": [ref(name.party_id(supplier)) for supplier in dataset.suppliers],
        "odrl:assignee": ref(name.party(agreement.operator)),
        "dpv:hasLegalBasis": [ref(found) for found in name.bases(agreement.operator, dataset)],
        "odrl:constraint": [*_limits(agreement), kept],
        "odrl:duty": ref(name.deletion(dataset)),
    }


def _aggregate(agreement: Agreement, dataset: Dataset, release: Release) -> Node:
    name, terms = Names(agreement), release.terms
    refinements = [
        constraint("lcjp:smallestCount", "gteq", typed(str(terms.threshold), "integer")),
        constraint("lcjp:protectionLevel", "eq", typed(terms.level.value, "string")),
        constraint("lcjp:zeros", "eq", typed(terms.zeros.value, "string")),
    ]
    action = {"odrl:refinement": refinements, "dcterms:description": words(terms_in_words(terms))}
    kept = constraint("odrl:elapsedTime", "lteq", typed(xsd_duration(dataset.retention), "duration"))
    permission = agreement.permission(release.permission)
    return {
        "odrl:action": {"rdf:value": ref("odrl:aggregate"), **action},
        "odrl:target": ref(name.dataset(dataset)),
        "odrl:output": ref(name.release(release)),
        "odrl:assigner": [ref(name.party_id(supplier)) for supplier in dataset.suppliers],
        "odrl:assignee": ref(name.party(agreement.operator)),
        "dpv:hasLegalBasis": [ref(found) for found in name.bases(agreement.operator, dataset)],
        "odrl:constraint": [*_limits(agreement), kept],
        **({"lcjp:permission": ref(name.permission(permission.name))} if permission else {}),
        "lcjp:earlierRows": typed("true" if release.earlier_rows else "false", "boolean"),
    }


def _distribute(agreement: Agreement, release: Release) -> Node:
    name = Names(agreement)
    checked = constraint("lcjp:outputCheckers", "gteq", typed(str(agreement.approvals.output_checkers), "integer"))
    public = [ref("lcjp:public")] if release.public else []
    return {
        "odrl:action": ref("odrl:distribute"),
        "odrl:target": ref(name.release(release)),
        "odrl:assigner": ref(name.party(agreement.operator)),
        "odrl:assignee": [*(ref(name.recipient(found)) for found in release.recipients), *public],
        "odrl:constraint": [*_limits(agreement), checked],
    }


def _limits(agreement: Agreement) -> list[Node]:
    """What every permission stands under: the purpose, the time, and the place."""
    return [
        constraint("odrl:purpose", "eq", ref(Names(agreement).purpose)),
        constraint("odrl:dateTime", "gteq", typed(agreement.in_force_from.isoformat(), "date")),
        constraint("odrl:dateTime", "lt", typed(agreement.expires.isoformat(), "date")),
        *_place(agreement),
    ]


def _place(agreement: Agreement) -> list[Node]:
    """Where the data may be, in the agreement's own words: ODRL's codes for places say less than they do."""
    said = agreement.items.get("transfers")
    return [constraint("odrl:spatial", "eq", words(said.words))] if said and said.applies else []


# ---------------------------------------------------------------------------------------- prohibitions and duties


def _prohibitions(agreement: Agreement) -> Iterator[Node]:
    name = Names(agreement)
    for dataset in agreement.datasets:
        yield {
            "odrl:action": ref("dpv:Share"),
            "odrl:target": ref(f"{name.dataset(dataset)}:unnamed"),
            "dcterms:description": words("A column that the agreement does not name is not read past its heading, and cannot be sent."),
        }
        yield {
            "odrl:action": ref("odrl:distribute"),
            "odrl:target": ref(name.dataset(dataset)),
            "odrl:assignee": ref(name.party(agreement.operator)),
            "dcterms:description": words("Rows never leave the hub; only tables of a release do."),
        }
    about = {who for dataset in agreement.datasets for who in dataset.about}
    if about & HARMED and about & ACCUSED:
        allowed = ", ".join(one.name for one in agreement.permissions) or "none"
        yield {
            "odrl:action": ref("dpv:Combine"),
            "odrl:target": [ref(name.dataset(one)) for one in agreement.datasets if {*one.about} & (HARMED | ACCUSED)],
            "dcterms:description": words(f"People harmed are not joined with people accused, but by a named permission: {allowed}."),
        }


def _obligations(agreement: Agreement) -> Iterator[Node]:
    name = Names(agreement)
    for dataset in agreement.datasets:
        delay = constraint("odrl:delayPeriod", "eq", typed(xsd_duration(dataset.retention), "duration"))
        said = f"Destroyed {dataset.retention.in_words()} after the end of the {dataset.period}."
        yield {
            "@id": name.deletion(dataset),
            "odrl:action": ref("odrl:delete"),
            "odrl:target": ref(name.dataset(dataset)),
            "odrl:assignee": ref(name.party(agreement.operator)),
            "odrl:constraint": delay,
            "dcterms:description": words(said),
        }
    yield {
        "odrl:action": ref("odrl:inform"),
        "odrl:assignee": [ref(name.party(party)) for party in agreement.parties],
        "dcterms:description": words(f"Incidents are told to: {agreement.incident_contact}."),
    }
    yield {
        "odrl:action": ref("odrl:reviewPolicy"),
        "odrl:assignee": [ref(name.party(party)) for party in agreement.parties],
        "odrl:constraint": constraint("odrl:dateTime", "lteq", typed(agreement.review.isoformat(), "date")),
    }
    yield _at_the_end(agreement)


def _at_the_end(agreement: Agreement) -> Node:
    name, destroyed = Names(agreement), agreement.after_end is AfterEnd.DESTROY
    said = "All data are destroyed at once." if destroyed else "Data are used no more, and destroyed on the day already fixed."
    return {
        "odrl:action": ref("odrl:delete"),
        "odrl:target": [ref(name.dataset(dataset)) for dataset in agreement.datasets],
        "odrl:assignee": ref(name.party(agreement.operator)),
        "odrl:constraint": constraint("odrl:event", "gteq", ref("lcjp:agreementEnds")),
        "lcjp:afterEnd": agreement.after_end.value,
        "dcterms:description": words(f"When the agreement ends: {said}"),
    }
