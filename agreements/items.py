"""What a UK information-sharing agreement must say in words, item by item. Each is filled, or “not applicable, because”.

Sources: the Information Commissioner's data-sharing code (agreements, and Annex A), UK GDPR, Data Protection Act 2018. What the software
executes (parties, lawful bases, data items, retention, recipients, approvals) has tables of its own and is not said again here.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One mandatory item: its name in the document, its heading, what it must answer, and where the duty stands."""

    name: str
    title: str
    asks: str
    basis: str


@dataclass(frozen=True)
class Said:
    """What an agreement says under an item: words that apply, or why the item does not."""

    words: str
    applies: bool = True


ITEMS: tuple[Item, ...] = (
    Item("owner", "Owner and author", "Who owns and who wrote this document?", "data-sharing code, agreements"),
    Item("marking", "Protective marking", "How is this document marked and handled?", "Government Security Classifications"),
    Item("benefits", "Benefits", "What good will the sharing do, and to whom?", "data-sharing code, Annex A"),
    Item("alternatives", "Less data, or none", "Why would less, or no, personal data not do?", "UK GDPR Art 5(1)(c); DPA 2018 s.37"),
    Item("people", "Whose data", "Which groups of people, about how many, over what time?", "UK GDPR Art 30; DPA 2018 s.61"),
    Item(
        "sensitive",
        "Special categories and criminal-offence data",
        "Which data need more than a lawful basis, and by which condition are they shared?",
        "UK GDPR Arts 9 and 10; DPA 2018 s.35(3)-(5), Schs 1 and 8",
    ),
    Item(
        "policy_document", "Appropriate policy document", "Which policy document covers the sensitive data?", "DPA 2018 s.42, Sch 1 Part 4"
    ),
    Item("law_enforcement", "Law-enforcement purpose and re-use", "Who is a competent authority, for what?", "DPA 2018 ss.30, 31, 36"),
    Item("distinction", "Kinds of people kept apart", "How are suspects, convicted, victims and witnesses told apart?", "DPA 2018 s.38(3)"),
    Item("facts", "Fact and opinion", "How is fact told from opinion?", "DPA 2018 s.38(2)"),
    Item(
        "quality",
        "Formats and quality",
        "Which formats and code lists, and who checks quality, when?",
        "DPA 2018 s.38(4); UK GDPR Art 5(1)(d)",
    ),
    Item("corrections", "Corrections", "How does everyone learn of a correction?", "UK GDPR Art 19; DPA 2018 ss.38(5), 46"),
    Item("stages", "The way of the data", "What happens to the data at each stage, and how do they travel?", "data-sharing code, Annex A"),
    Item("disposal", "Disposal and its proof", "How are data destroyed, and how is it proved?", "UK GDPR Art 5(1)(e); DPA 2018 s.39"),
    Item("security", "Security", "Which measures protect the data, and who answers for them?", "UK GDPR Art 32; DPA 2018 s.66"),
    Item(
        "rights",
        "People's rights",
        "Who answers a request for access, rectification, erasure or objection?",
        "UK GDPR Arts 12-22; DPA 2018 ss.43-54",
    ),
    Item("privacy_information", "Privacy information", "What are people told, where?", "UK GDPR Arts 13, 14; DPA 2018 s.44"),
    Item("children", "Children", "What is different for children?", "data-sharing code, children"),
    Item(
        "automated_decisions",
        "Automated decisions",
        "Is anything decided about anybody from these data?",
        "UK GDPR Arts 22A-22D; DPA 2018 ss.49, 50",
    ),
    Item("onward_sharing", "Onward sharing", "Who may pass what on, to whom?", "data-sharing code, agreements"),
    Item("processors", "Processors", "Who processes for whom, with which sub-processors?", "UK GDPR Art 28; DPA 2018 s.59"),
    Item("incidents", "Incidents", "Who tells whom of a breach, within what time?", "UK GDPR Arts 33, 34; DPA 2018 ss.67, 68"),
    Item("freedom_of_information", "Freedom of information", "Who answers a request for information?", "Freedom of Information Act 2000"),
    Item("complaints", "Complaints", "Who deals with a complaint?", "data-sharing code, agreements"),
    Item("liability", "Liability", "Who bears what loss?", "data-sharing code, agreements"),
    Item("sanctions", "Breach of this agreement", "What follows when a party does not keep to it?", "data-sharing code, agreements"),
    Item("transfers", "Transfers abroad", "Do data leave the United Kingdom?", "UK GDPR Ch V; DPA 2018 ss.72-78"),
    Item("review_cycle", "Review", "How often, and by whom, is it reviewed?", "data-sharing code, agreements"),
    Item("variation", "Variation", "How is it changed, a lawful basis included?", "data-sharing code, agreements"),
    Item("termination", "Termination", "How does a party leave, and how does it end?", "data-sharing code, agreements"),
    Item("decision", "Decision to share", "Who decided to share, why, and when?", "data-sharing code, Annex B"),
)
BY_NAME: Mapping[str, Item] = {item.name: item for item in ITEMS}


def missing(said: Mapping[str, Said]) -> tuple[Item, ...]:
    """The items about which an agreement says nothing, in the table's order. An agreement that misses one cannot be proposed."""
    return tuple(item for item in ITEMS if item.name not in said)
