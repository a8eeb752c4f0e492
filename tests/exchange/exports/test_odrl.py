"""The policy for machines: well-formed JSON-LD, nothing referred to that is not there, and every rule of the agreement in it."""

import json
import re
import socket
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import rdflib

from agreements.model import Agreement, Regime
from agreements.periods import Duration
from exchange.exports.assets import xsd_duration
from exchange.exports.odrl import policy
from exchange.exports.vocabulary import CONTEXT, MEASURES, gdpr_terms
from tests.agreements import papers
from tests.exchange.exports.changing import original

ODRL = rdflib.Namespace("http://www.w3.org/ns/odrl/2/")
DPV = rdflib.Namespace("https://w3id.org/dpv#")
DCTERMS = rdflib.Namespace("http://purl.org/dc/terms/")
LCJP = rdflib.Namespace("urn:lcjp-exchange:policy:")
# Terms of ODRL 2.2 (Vocabulary & Expression, 15 February 2018) that the policy may use.
KNOWN_ODRL = {
    *("Agreement", "Permission", "Prohibition", "Duty", "Party", "PartyCollection", "Asset", "AssetCollection", "Action", "Constraint"),
    *("LeftOperand", "uid", "profile", "conflict", "prohibit", "permission", "prohibition", "obligation", "action", "target", "assigner"),
    *("assignee", "constraint", "refinement", "duty", "output", "partOf", "includedIn", "leftOperand", "operator", "rightOperand"),
    *("eq", "gteq", "lteq", "lt", "purpose", "dateTime", "elapsedTime", "delayPeriod", "spatial", "event"),
    *("use", "aggregate", "distribute", "delete", "inform", "reviewPolicy"),
}


def graph(agreement: Agreement) -> rdflib.Graph:
    """Read by somebody else's JSON-LD processor, which may not use the network."""
    found = rdflib.Graph()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's JSON-LD reader uses a class that rdflib itself is giving up
        found.parse(data=json.dumps(policy(agreement)), format="json-ld")
    return found


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the document is read without the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        if value.get("@type") == "@json":
            return
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(member)


def test_it_is_the_same_after_json() -> None:
    document = policy(original())
    assert json.loads(json.dumps(document)) == document


@pytest.mark.usefixtures("no_network")
def test_a_json_ld_processor_reads_every_statement() -> None:
    found = graph(original())
    assert len(found) > 500
    relative = [str(node) for triple in found for node in triple if isinstance(node, rdflib.URIRef) and ":" not in str(node)]
    assert relative == []
    assert {str(kind) for kind in found.objects(None, rdflib.RDF.type)} >= {str(ODRL.Agreement), str(DPV.LegalBasis), str(DPV.Purpose)}


def test_every_prefix_is_declared() -> None:
    document = policy(original())
    used = set()
    for node in walk(document["@graph"]):
        keys = [key for key in node if not key.startswith("@")]
        types = node.get("@type", [])
        assert all(":" in key for key in keys), keys
        used |= {key.split(":")[0] for key in keys}
        used |= {kind.split(":")[0] for kind in (types if isinstance(types, list) else [types]) if not kind.startswith("@")}
        used |= {str(node["@id"]).split(":")[0]} if "@id" in node else set()
    assert used - {"urn"} <= set(CONTEXT)
    assert "http" not in used


def test_nothing_is_referred_to_that_is_not_there() -> None:
    document = policy(original())
    defined = {node["@id"] for node in walk(document["@graph"]) if "@id" in node and len(node) > 1}
    referred = {node["@id"] for node in walk(document["@graph"]) if set(node) == {"@id"}}
    ours = {name for name in referred if name.startswith("urn:lcjp-exchange:agreement:")}
    assert ours
    assert ours - defined == set()
    assert {name for name in referred if name.startswith("lcjp:") and name != "lcjp:agreementEnds"} - defined == set()
    twice = [node["@id"] for node in document["@graph"]]
    assert len(twice) == len(set(twice))


def test_every_term_of_odrl_is_one() -> None:
    text = json.dumps(policy(original()))
    assert set(re.findall(r'"odrl:(\w+)"', text)) - KNOWN_ODRL == set()


def test_every_party_dataset_field_and_release_is_in_it() -> None:
    agreement, found = original(), graph(original())
    named = {str(value) for value in found.objects(None, DCTERMS.identifier)}
    assert {party.id for party in agreement.parties} | {one.id for one in agreement.recipients} <= named
    for dataset in agreement.datasets:
        assert {dataset.name, *(field.name for field in dataset.fields)} <= named
    assert {release.name for release in agreement.releases} <= named


def test_each_dataset_has_a_permission_for_each_action_and_ends() -> None:
    agreement, found = original(), graph(original())
    for dataset in agreement.datasets:
        asset = next(found.subjects(DCTERMS.identifier, rdflib.Literal(dataset.name)))
        permitted = list(found.subjects(ODRL.target, asset))
        shared = [one for one in permitted if (one, ODRL.action, DPV.Share) in found and (one, rdflib.RDF.type, ODRL.Permission) in found]
        assert len(shared) == len(dataset.suppliers)
        for one in shared:
            assert list(found.objects(one, DPV.hasLegalBasis)), "every supplier shares on a lawful basis"
            left = {str(found.value(limit, ODRL.leftOperand)) for limit in found.objects(one, ODRL.constraint)}
            assert {str(ODRL.purpose), str(ODRL.dateTime), str(ODRL.spatial)} <= left
        deletions = [one for one in permitted if (one, ODRL.action, ODRL.delete) in found]
        delays = {str(found.value(limit, ODRL.rightOperand)) for one in deletions for limit in found.objects(one, ODRL.constraint)}
        assert "P10Y" in delays
        columns = {str(kind) for field in found.objects(asset, DCTERMS.hasPart) for kind in found.objects(field, DPV.hasTechnicalMeasure)}
        assert len(columns) == len(dataset.fields)


def test_a_pseudonymised_field_says_so() -> None:
    found = graph(original())
    field = next(one for one in found.subjects(DCTERMS.identifier, rdflib.Literal("crime")))
    measure = found.value(field, DPV.hasTechnicalMeasure)
    assert (measure, rdflib.RDF.type, DPV.DeterministicPseudonymisation) in found


def test_part_3_has_no_term_of_the_gdpr() -> None:
    assert gdpr_terms(Regime.PART_3, "as in Article 6(1)(e)") == []
    assert gdpr_terms(Regime.UK_GDPR, "UK GDPR Article 6(1)(e), and Art. 9(2)(g) with Schedule 1") == ["eu-gdpr:A6-1-e", "eu-gdpr:A9-2-g"]
    assert gdpr_terms(Regime.UK_GDPR, "UK GDPR Article 28") == []
    words = {str(one) for one in graph(original()).objects(None, LCJP.regime)}
    assert words == {"UK GDPR", "Data Protection Act 2018, Part 3"}


def test_every_rule_there_is_has_a_measure() -> None:
    for dataset in papers.agreement().datasets:
        for field in dataset.fields:
            assert MEASURES[type(field.rule)].startswith("dpv:")
    from_code = {kind.__name__ for kind in MEASURES}
    assert from_code == {
        *("KeepValues", "KeepPattern", "KeepRange", "PseudonymiseRule", "Map"),
        *("Generalise", "GeneraliseArea", "BandEdges", "Flag", "Round", "TopCode"),
    }


@pytest.mark.parametrize(("text", "xsd"), [("P10Y", "P10Y"), ("P18M", "P1Y6M"), ("P2W", "P14D"), ("P1Y2M3D", "P1Y2M3D"), ("P90D", "P90D")])
def test_durations_are_those_of_xml_schema(text: str, xsd: str) -> None:
    assert xsd_duration(Duration.parse(text)) == xsd
