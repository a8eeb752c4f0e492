"""The words of ODRL 2.2 and of the Data Privacy Vocabulary (DPV 2.1) that the policy export uses, and the profile that ties them together.

ODRL leaves actions and operands to profiles (ODRL Information Model 2.2, section 3): ours takes DPV's processing operations as actions and
adds four operands for the promises of disclosure control. The context is written into every document: nobody has to fetch one.
"""

import re
from collections.abc import Mapping
from typing import Any

from agreements.coarsen import BandEdges, Flag, Generalise, GeneraliseArea, Round, TopCode
from agreements.fields import KeepPattern, KeepRange, KeepValues, Map, PseudonymiseRule, Rule
from agreements.model import Category, Regime, Role, Subjects

Node = dict[str, Any]

CONTEXT: Mapping[str, Any] = {
    "@version": 1.1,
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "legal-gb": "https://w3id.org/dpv/legal/gb#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "lcjp": "urn:lcjp-exchange:policy:",
}
PROFILE = "urn:lcjp-exchange:policy:1"

ROLES = {
    Role.CONTROLLER: "dpv:DataController",
    Role.JOINT_CONTROLLER: "dpv:JointDataControllers",
    Role.PROCESSOR: "dpv:DataProcessor",
}
LAWS = {Regime.UK_GDPR: "legal-gb:law-GDPR", Regime.PART_3: "legal-gb:law-DPA"}
REGIMES = {Regime.UK_GDPR: "UK GDPR", Regime.PART_3: "Data Protection Act 2018, Part 3"}
CATEGORIES = {
    Category.ORDINARY: "dpv:PersonalData",
    Category.SPECIAL: "dpv:SpecialCategoryPersonalData",
    Category.OFFENCE: "dpv:SensitivePersonalData",
}
SUBJECTS = {
    Subjects.SUSPECTS: "people suspected of an offence",
    Subjects.CONVICTED: "people convicted of an offence",
    Subjects.VICTIMS: "victims",
    Subjects.WITNESSES: "witnesses",
    Subjects.OTHERS: "other people",
    Subjects.NOBODY: "nobody (the rows are not about people)",
}
# What each rule does to a column, as a measure of DPV; a column kept by a list or range is limited, and nothing else.
MEASURES: Mapping[type[Rule], str] = {
    PseudonymiseRule: "dpv:DeterministicPseudonymisation",
    Generalise: "dpv:Deidentification",
    GeneraliseArea: "dpv:Deidentification",
    BandEdges: "dpv:Deidentification",
    Map: "dpv:Deidentification",
    Flag: "dpv:Deidentification",
    Round: "dpv:Deidentification",
    TopCode: "dpv:Deidentification",
    KeepValues: "dpv:DataSanitisationTechnique",
    KeepPattern: "dpv:DataSanitisationTechnique",
    KeepRange: "dpv:DataSanitisationTechnique",
}
_ARTICLE_6 = re.compile(r"\bArt(?:icle|\.)?\s*6\s*\(\s*1\s*\)\s*\(\s*([a-f])\s*\)", re.IGNORECASE)
_ARTICLE_9 = re.compile(r"\bArt(?:icle|\.)?\s*9\s*\(\s*2\s*\)\s*\(\s*([a-j])\s*\)", re.IGNORECASE)


def gdpr_terms(regime: Regime, basis: str) -> list[str]:
    """The terms of DPV's GDPR extension that a lawful basis in words names; none for Part 3, which DPV has no terms for."""
    if regime is not Regime.UK_GDPR:
        return []
    found = [("A6-1-", letter) for letter in _ARTICLE_6.findall(basis)] + [("A9-2-", letter) for letter in _ARTICLE_9.findall(basis)]
    return list(dict.fromkeys(f"eu-gdpr:{article}{letter.lower()}" for article, letter in found))


def profile() -> list[Node]:
    """What the profile declares: its actions, each a kind of use, and its operands."""
    actions = {
        "dpv:Share": "odrl:use",
        "dpv:Store": "odrl:use",
        "dpv:Combine": "odrl:use",
        "dpv:Transfer": "odrl:use",
    }
    operands = {
        "lcjp:smallestCount": "The smallest count that is shown; smaller ones other than nought are not.",
        "lcjp:protectionLevel": "How well hidden counts are protected: A, B or C.",
        "lcjp:zeros": "Whether a count of nought is always shown.",
        "lcjp:outputCheckers": "How many people check what is published, other than the one who asked for it.",
        "lcjp:periodStart": "The first period whose data are covered.",
    }
    return [
        *({"@id": name, "@type": "odrl:Action", "odrl:includedIn": ref(parent)} for name, parent in actions.items()),
        *({"@id": name, "@type": "odrl:LeftOperand", "skos:definition": words(meaning)} for name, meaning in operands.items()),
    ]


def ref(identifier: str) -> Node:
    """A reference to a node."""
    return {"@id": identifier}


def words(text: str) -> Node:
    """Words in British English."""
    return {"@value": text, "@language": "en-GB"}


def typed(value: str, kind: str) -> Node:
    """A literal of an XML Schema type: ``xsd:date``, ``xsd:duration``."""
    return {"@type": f"xsd:{kind}", "@value": value}


def constraint(left: str, operator: str, right: Node | list[Node]) -> Node:
    """An ODRL constraint."""
    return {"@type": "odrl:Constraint", "odrl:leftOperand": ref(left), "odrl:operator": ref(f"odrl:{operator}"), "odrl:rightOperand": right}
