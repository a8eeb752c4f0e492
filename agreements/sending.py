"""Who may send a dataset, and how: checks of a submission over the agreement's words alone."""

from agreements.decisions import Allowed, Decision, Refused
from agreements.model import Agreement, Dataset


def supplies(agreement: Agreement, dataset: Dataset, supplier: str) -> Decision:
    """Whether the party supplies the dataset."""
    clause = agreement.clause(f"dataset {dataset.name}", "suppliers")
    if supplier in dataset.suppliers:
        return Allowed(clause)
    return Refused(clause, "you are a party, but not a supplier of this dataset.", "Only its suppliers submit it.")


def in_mode(agreement: Agreement, dataset: Dataset, mode: str) -> Decision:
    """Whether the dataset is sent so: replace, append or snapshot."""
    clause = agreement.clause(f"dataset {dataset.name}", "mode")
    if mode == dataset.mode:
        return Allowed(clause)
    return Refused(clause, f"this dataset is submitted in mode {dataset.mode}.", f"Submit it with mode {dataset.mode}.")
