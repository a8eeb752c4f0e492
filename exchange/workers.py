"""Workers: what opens submissions, one at a time each, on as many hosts as there are; which is next, the leases say."""

import logging
import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass

from exchange.hub import Hub
from exchange.submissions import leases, process
from exchange.submissions.leases import Lease
from exchange.submissions.tables import SubmissionState

logger = logging.getLogger("exchange.workers")


@dataclass(frozen=True)
class Done:
    """One attempt: the submission, its state afterwards, and what failed."""

    submission: str
    state: str
    failure: Exception | None = None


class Worker:
    """One worker of a host. ``host``: the id that its leases carry; without one it is on no host that others know."""

    def __init__(self, hub: Hub, host: str = "") -> None:
        self.hub, self.host = hub, host or secrets.token_hex(8)
        self.lease: Lease | None = None
        self._turns: dict[str, int] = {}

    def one(self, skip: Collection[str] = ()) -> Done | None:
        """Open the next submission that nobody is at; None where there is none."""
        hub = self.hub
        lease = leases.claim(hub.engine, self.host, hub.settings.lease_seconds, hub.clock(), turns=self._turns, skip=skip)
        if lease is None:
            return None
        self.lease = lease
        self._turns[lease.reference] = 1 + max(self._turns.values(), default=0)
        state, failure = "", None
        with leases.kept(hub.engine, lease) as lost:
            try:
                state = process.process(hub.engine, hub.settings, hub.keyring, hub.places, lease.submission, hub.clock)
            except Exception as error:  # noqa: BLE001  # it is the caller's, who must go on with the others
                failure = error
        logger.info("processed", extra={"submission": lease.submission, "state": state, "taken over": lost.is_set()})
        # Undecided though nothing failed (its agreement was suspended meanwhile, say) it rests too: something must change first.
        self.give_back(failed=failure is not None or state == SubmissionState.COMPLETE)
        return Done(lease.submission, state, failure)

    def give_back(self, *, failed: bool = False) -> None:
        """Let go of what it is at, if it is at anything."""
        lease, self.lease = self.lease, None
        if lease is not None:
            leases.give_back(self.hub.engine, lease, failed=failed)

    def all(self) -> None:
        """Everything that waits, each once; one that fails holds up no other. Then raise the first failure, if there was any."""
        failures: list[Exception] = []
        again: set[str] = set()
        while (done := self.one(again)) is not None:
            if done.failure is not None:
                failures.append(done.failure)
            if done.failure is not None or done.state == SubmissionState.COMPLETE:
                again.add(done.submission)
        if failures:
            raise failures[0]


class Working(threading.Thread):
    """A worker that goes on until it is told to stop."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(name="working", daemon=True)
        self.worker = worker
        self._over = threading.Event()

    def run(self) -> None:
        """One after another; a pause where there is nothing, and after a failure, of which only the kind is logged."""
        while not self._over.is_set():
            failure: Exception | None = None
            try:
                done = self.worker.one()
                failure = done.failure if done else None
            except Exception as error:  # noqa: BLE001  # the last resort of a background thread: it must live on
                done, failure = None, error
            if failure is not None:
                logger.error("not processed", extra={"kind": type(failure).__name__})  # a traceback may quote values
            if done is None or failure is not None:
                self._over.wait(self.worker.hub.settings.process_every)

    def stop(self, wait: float) -> None:
        """Let it finish what it is at; what takes longer is given back, for another to do from the beginning."""
        self._over.set()
        if self.is_alive():
            self.join(wait)
        self.worker.give_back()
