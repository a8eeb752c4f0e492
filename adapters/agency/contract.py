"""What the hub asks of a dataset, held against the agreement we verified: the terms of one upload."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.errors import ConfigError, IntegrityFailed, NetworkFailed
from agreements.fields import PseudonymiseRule
from agreements.model import Dataset
from keys.encoding import unb64
from keys.errors import BadFormat, BadSignature
from keys.formats import SealingKeyNotice
from keys.pseudonym import NORMALISER
from keys.sign import Use, verify_document

PART_BYTES = 16 << 20
PART_ROWS = 262_144


@dataclass(frozen=True)
class Linkage:
    """The epoch of an agreement's linkage secret, and the value that tells whether ours is the same."""

    epoch: int
    key_check: str


@dataclass(frozen=True)
class Contract:
    """The terms under which one dataset may be sent now.

    Attributes:
        sealing_key: verified notice; `sealing_public` is its key.
        linkage: None where the agreement has no linkage secret yet.
        heads: period → submission that is its head, of ours: the last that was held, be it destroyed since.
    """

    dataset: Dataset
    sealing_key: SealingKeyNotice
    part_bytes: int
    part_rows: int
    parts: int
    linkage: Linkage | None
    heads: Mapping[str, str]

    @property
    def sealing_public(self) -> bytes:
        """The raw X-Wing key to seal to."""
        return unb64(self.sealing_key.public)


def needs_linkage(dataset: Dataset) -> bool:
    """Whether any field of the dataset is a pseudonym."""
    return any(isinstance(field.rule, PseudonymiseRule) for field in dataset.fields)


def fetch(client: Client, verified: Verified, dataset: Dataset, now: datetime) -> Contract:
    """Ask for a dataset's contract and hold it against the agreement.

    Raises:
        IntegrityFailed: it is not what the agreement says, or the sealing key is not vouched for by the hub key named there.
        NetworkFailed: the hub's sealing key has run out and no new one is there yet.
    """
    reference = verified.agreement.reference
    answer = client.get(f"/v1/agreements/{reference}/datasets/{dataset.name}/contract", f"fetching the contract of {dataset.name}")
    try:
        return _checked(answer, verified, dataset, now)
    except (BadFormat, BadSignature, KeyError, TypeError, AttributeError) as error:
        raise IntegrityFailed(
            f"The hub's contract for {dataset.name} does not verify.",
            why=f"{verified.agreement.clause(f'dataset {dataset.name}')}: {type(error).__name__}.",
            remedy="Push nothing, and speak to the operator.",
        ) from None


def present_head(client: Client, reference: str, dataset: str, period: str) -> str | None:
    """The submission that is a period's head now, or None."""
    answer = client.get(f"/v1/agreements/{reference}/datasets/{dataset}/contract", f"asking what the hub holds of {dataset} {period}")
    heads = answer.get("heads")
    head = heads.get(period) if isinstance(heads, dict) else None
    return str(head.get("submission")) if isinstance(head, dict) else None


def _checked(answer: Mapping[str, Any], verified: Verified, dataset: Dataset, now: datetime) -> Contract:
    agreement = verified.agreement
    fields = [{"name": field.name, "type": str(field.arrow_type), "empty": field.may_be_empty} for field in dataset.fields]
    said = {name: answer[name] for name in ("reference", "version", "agreement", "dataset", "adapter", "mode", "period", "fields")}
    ours = {
        "reference": agreement.reference,
        "version": agreement.version,
        "agreement": agreement.digest,
        "dataset": dataset.name,
        "adapter": dataset.adapter,
        "mode": str(dataset.mode),
        "period": str(dataset.period),
        "fields": fields,
    }
    if differing := [name for name in ours if said[name] != ours[name]]:
        raise IntegrityFailed(
            f"The hub's contract for {dataset.name} is not what the agreement says: {', '.join(differing)}.",
            why=f"{agreement.clause(f'dataset {dataset.name}')}.",
            remedy="Push nothing, and speak to the operator.",
        )
    notice = SealingKeyNotice.parse(verify_document(answer["sealing_key"], Use.SEALING_KEY, verified.hub.identity))
    if datetime.fromisoformat(notice.expires) <= now:
        raise NetworkFailed("The hub's sealing key has run out.", remedy="Try again later; if it stays so, tell the operator.")
    limits, linkage = answer["limits"], answer["linkage"]
    return Contract(
        dataset,
        notice,
        min(_whole(limits["part_bytes"]), PART_BYTES),
        min(_whole(limits["part_rows"]), PART_ROWS),
        _whole(limits["parts"]),
        Linkage(_whole(linkage["epoch"]), str(linkage["key_check"])) if linkage else None,
        {str(period): str(head["submission"]) for period, head in answer["heads"].items()},
    )


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadFormat("not a whole number above nought")
    return value


def require_linkage(contract: Contract, key_check: str | None, reference: str) -> Linkage:
    """The linkage to name in a manifest. ConfigError where a secret is needed and is not here, or is another than the partners'.

    Args:
        key_check: that of the secret we hold for the contract's epoch; None where we hold none.
    """
    if not needs_linkage(contract.dataset):
        return Linkage(0, "0" * 16)
    if contract.linkage is None:
        raise ConfigError(
            f"{reference} has no linkage secret yet.",
            why=f"{contract.dataset.name} holds pseudonyms, which are made with it.",
            remedy=f"The first supplier runs: exchange-agency keys issue {reference}",
        )
    if key_check is None:
        raise ConfigError(
            f"The linkage secret of {reference}, epoch {contract.linkage.epoch}, is not here.",
            remedy=f"Run: exchange-agency keys accept {reference}",
        )
    if key_check != contract.linkage.key_check:
        raise ConfigError(
            f"The linkage secret here is not the one that the partners of {reference} use.",
            why=f"Key check values differ (epoch {contract.linkage.epoch}, normaliser {NORMALISER}).",
            remedy="Speak to the supplier that issued it; nothing was sent.",
        )
    return contract.linkage


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)
