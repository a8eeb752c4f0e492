"""What submissions need done to editions, which are made a floor above them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from keys.rights import EditionAffected


class Editions(Protocol):
    """What is to be known of editions here, a floor below them."""

    def lock(self, session: Session, reference: str, submissions: Sequence[str]) -> None:
        """Lock every edition that was made from one of these submissions, by id."""
        ...

    def affected(
        self, session: Session, reference: str, changed: Mapping[str, int], now: datetime, *, drop: bool
    ) -> tuple[EditionAffected, ...]:
        """The editions made from these submissions (id → records concerned); with ``drop``, drafts among them are dropped."""
        ...

    def let_go(
        self, session: Session, reference: str, supplier: str, datasets: Collection[str], safe: Collection[str], now: datetime
    ) -> None:
        """Let go of exact counts that were made from these datasets of a supplier and from a submission that is not ``safe``."""
        ...
