"""People's rights over rows that a supplier has sent: which right reaches which dataset, by which clause and law.

Data-protection law gives these rights, not the agreement: they do not rest while it is suspended and do not end with it. Which of them
there are is settled by the regime under which the supplier processes the dataset. Part 3 of the DPA 2018 knows no right to object.
What the supplier tells the person, and whether it must refuse or limit (DPA 2018 ss.44(4), 45(4), 48(3)), is the supplier's to decide.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from agreements.decisions import Allowed, Decision, Refused
from agreements.fields import PseudonymiseRule
from agreements.lifecycle import State
from agreements.model import Agreement, Dataset, Regime, Standing
from agreements.rules import Check, decided, known_to


class Right(StrEnum):
    """What a person may ask for."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"


LAW: Mapping[tuple[Right, Regime], str] = {
    (Right.ACCESS, Regime.UK_GDPR): "UK GDPR Article 15",
    (Right.RECTIFICATION, Regime.UK_GDPR): "UK GDPR Article 16",
    (Right.ERASURE, Regime.UK_GDPR): "UK GDPR Article 17",
    (Right.RESTRICTION, Regime.UK_GDPR): "UK GDPR Article 18",
    (Right.OBJECTION, Regime.UK_GDPR): "UK GDPR Article 21",
    (Right.ACCESS, Regime.PART_3): "Data Protection Act 2018 section 45",
    (Right.RECTIFICATION, Regime.PART_3): "Data Protection Act 2018 section 46",
    (Right.ERASURE, Regime.PART_3): "Data Protection Act 2018 section 47",
    (Right.RESTRICTION, Regime.PART_3): "Data Protection Act 2018 section 47",
}
EXCLUDING = frozenset({Right.ERASURE, Right.RESTRICTION, Right.OBJECTION})  # whose rows are not sent again
FOR_GOOD = frozenset({Right.ERASURE, Right.RECTIFICATION})  # after which the rows as they were may never come back
_NEVER_IN_FORCE = frozenset({State.DRAFT, State.PROPOSED, State.SIGNED, State.WITHDRAWN})


def may_exercise(standing: Standing | None, supplier: str, dataset_name: str, kind: str, right: Right) -> Decision:
    """Whether a supplier may have this right exercised over its own rows of a dataset, by pseudonyms of this kind."""
    return decided(exercising(standing, supplier, dataset_name, kind, right))


def exercising(standing: Standing | None, supplier: str, dataset_name: str, kind: str, right: Right) -> Iterator[Check]:
    """The checks of :func:`may_exercise`."""
    known = known_to(standing, supplier)
    yield Check("Is the caller a party?", known)
    if standing is None or not known:
        return
    agreement = standing.agreement
    yield Check("Was it ever in force?", _was_in_force(standing))
    dataset = agreement.dataset(dataset_name)
    clause = agreement.clause("datasets")
    named = ", ".join(one.name for one in agreement.datasets)
    absent = Refused(clause, "the agreement names no such dataset.", f"It names: {named}.")
    yield Check("Does the agreement name this dataset?", absent if dataset is None else Allowed(clause))
    if dataset is None:
        return
    yield Check("Does the party supply it?", _supplies(agreement, dataset, supplier))
    yield Check("Do its rows carry pseudonyms of this kind?", _carries(agreement, dataset, kind))
    yield Check("Is there such a right under the law that governs it?", _given(agreement, supplier, dataset_name, right))


def grounds(agreement: Agreement, supplier: str, dataset: str, right: Right) -> tuple[str, str]:
    """The clause, and the provisions of law, by which a right reaches a supplier's dataset. Only where it does."""
    party = agreement.party(supplier)
    regimes = dict.fromkeys(basis.regime for basis in party.bases_of(dataset)) if party else {}
    law = " and ".join(dict.fromkeys(LAW[right, regime] for regime in regimes if (right, regime) in LAW))
    return _clause(agreement, supplier, dataset), law


def reached(agreement: Agreement, supplier: str, kind: str) -> tuple[str, ...]:
    """The datasets that a supplier sends with pseudonyms of this kind: what a request reaches where none is named."""
    return tuple(one.name for one in agreement.datasets if supplier in one.suppliers and kind in kinds(one).values())


def kinds(dataset: Dataset) -> dict[str, str]:
    """Field → kind, of every field that is a pseudonym."""
    return {field.name: field.rule.kind for field in dataset.fields if isinstance(field.rule, PseudonymiseRule)}


def recipients(agreements: Iterable[Agreement], datasets: Iterable[str]) -> tuple[str, ...]:
    """The ids of those to whom some release discloses counts of these datasets, sorted."""
    wanted = set(datasets)
    return tuple(sorted({one for agreement in agreements for release in agreement.releases
                         if wanted & set(release.datasets) for one in release.recipients}))  # fmt: skip


def _was_in_force(standing: Standing) -> Decision:
    clause = standing.agreement.clause("term")
    if standing.state in _NEVER_IN_FORCE:
        return Refused(clause, f"this version is {standing.state}: nothing was ever sent under it.", "Name the version that was in force.")
    return Allowed(clause)


def _supplies(agreement: Agreement, dataset: Dataset, supplier: str) -> Decision:
    clause = agreement.clause(f"dataset {dataset.name}", "suppliers")
    if supplier in dataset.suppliers:
        return Allowed(clause)
    return Refused(clause, "you are a party, but not a supplier of this dataset.", "The request goes to the supplier whose rows they are.")


def _carries(agreement: Agreement, dataset: Dataset, kind: str) -> Decision:
    clause = agreement.clause(f"dataset {dataset.name}", "fields")
    found = sorted(set(kinds(dataset).values()))
    if kind in found:
        return Allowed(clause)
    remedy = f"It carries: {', '.join(found)}." if found else "Nobody can be found in it by a pseudonym."
    return Refused(clause, "its rows carry no pseudonym of this kind.", remedy)


def _given(agreement: Agreement, supplier: str, dataset: str, right: Right) -> Decision:
    clause, law = grounds(agreement, supplier, dataset, right)
    if law:
        return Allowed(clause)
    party = agreement.party(supplier)
    if party is None or not party.bases_of(dataset):
        return Refused(clause, "the agreement says under which law you process this dataset nowhere.", "Ask your data protection officer.")
    return Refused(
        clause,
        "you process this dataset for law enforcement: Part 3 of the Data Protection Act 2018 gives no right to object.",
        "Ask for erasure or restriction where section 47 of that Act gives it.",
    )


def _clause(agreement: Agreement, supplier: str, dataset: str) -> str:
    return agreement.clause("parties", supplier, f"lawful basis of {dataset}")
