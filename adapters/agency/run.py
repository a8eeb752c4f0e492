"""One run: finish what an earlier one left, verify what the agreements now say, prepare each extract once, send it under each of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.agency.contract import fetch, needs_linkage, present_head, require_linkage, utc_now
from adapters.agency.prepare import Target, Work, prepare
from adapters.agency.push import Outcome, Sending
from adapters.agency.session import Agency
from adapters.agency.spool import Upload, leftovers
from adapters.agency.watch import Known
from adapters.agency.watched import Watched
from adapters.doubts import Doubts
from adapters.errors import AdapterError, AgreementRefused, IntegrityFailed, ServerRefused, ValidationFailed
from adapters.registry import find
from agreements.decisions import Refused
from agreements.lifecycle import State
from agreements.model import Agreement
from agreements.periods import Period
from agreements.rules import UNKNOWN, in_force, may_submit
from keys.formats import Certificate

Stamp = tuple[int, int]
"""A file's size in bytes, and when it was last changed, in nanoseconds."""


def stamp(path: Path) -> Stamp | None:
    """A file's stamp; None where there is none to be had."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class Extract:
    """One file, the period it is of, and how it was when it was looked at, if somebody looked."""

    path: Path
    period: Period
    was: Stamp | None = None


@dataclass
class Watcher:
    """What a run tells whoever watches it; every one may be left silent."""

    say: Callable[[str], None] = lambda _: None
    reading: Callable[[str, int, int], None] = lambda *_: None
    sending: Callable[[str, int, int], None] = lambda *_: None


@dataclass
class Run:
    """One run of push, under the lock."""

    agency: Agency
    client: Client
    watcher: Watcher = field(default_factory=Watcher)
    now: Callable[[], datetime] = utc_now

    @property
    def party(self) -> str:
        """Who we are."""
        return self.agency.settings.party

    def resume(self, *, wait: bool = True) -> list[tuple[Upload, Outcome | AdapterError]]:
        """Send on what earlier runs left. One that the hub or an agreement refuses does not hold up the others; all else stops here."""
        ended: list[tuple[Upload, Outcome | AdapterError]] = []
        for upload in leftovers(self.agency.settings.spool):
            self.watcher.say(f"Resuming {upload}.")
            try:
                ended.append((upload, self._resume(upload, wait=wait)))
            except (AgreementRefused, ServerRefused) as error:
                ended.append((upload, error))
        return ended

    def _resume(self, upload: Upload, *, wait: bool) -> Outcome:
        if upload.acknowledgement is None and datetime.fromisoformat(upload.plan.seal_until) <= self.now():
            upload.discard()
            raise ServerRefused(
                f"The spooled upload of {upload} can no longer be opened by the hub, whose sealing key has run out.",
                remedy="Push the extract again.",
                code="sealing-key-expired",
            )
        verified = self.agency.store.get(upload.plan.reference, upload.plan.version)
        # What the hub has acknowledged is there already: only the receipt is fetched.
        stopped = None if upload.acknowledgement else in_force(verified.standing, self.now(), upload.plan.dataset)
        if isinstance(stopped, Refused):
            raise refusal(stopped)
        return self.send(upload, verified, wait=wait)

    def verified(self, reference: str = "") -> list[Verified]:
        """The agreements now in force (with a reference: that one, wherever it stands), fetched, verified and kept."""
        found = self.client.get("/v1/agreements", "listing agreements").get("agreements")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise IntegrityFailed("The hub's list of agreements is not a list.")
        return [self._admit(listed) for listed in _chosen(found, reference)]

    def watch(self, verified: Sequence[Verified], notes: Sequence[str] = ()) -> Watched:
        """Witness the log's head with the other witnesses, read what the log says in our name up to it, and hold it to its certificates.

        ``notes``: what partners have cosigned and handed us by another road.
        """
        agency = self.agency
        agency.witness.observe(self.client, verified[0])
        exchanged = agency.witnesses.exchange(self.client, agency.witness, verified, agency.witness_key, int(self.now().timestamp()), notes)
        named = frozenset(key for one in agency.store.all() for key in keys_of(one.agreement, self.party))
        known = Known(named | agency.own_keys(), agency.ledger.known())
        alarms = agency.watch.look(self.client, exchanged.head, known, agency.receipts)
        destroyed = self.destroyed() if agency.receipts.known() else []
        return Watched(exchanged.head, alarms, exchanged.seen, exchanged.warnings, destroyed)

    def destroyed(self, listed: Sequence[Mapping[str, Any]] | None = None) -> list[Certificate]:
        """Certificates of destruction that are new. IntegrityFailed where the hub shows as held what it has certified destroyed."""
        found = submissions(self.client) if listed is None else listed
        self.agency.certificates.refuse_undestroyed(found)
        return self.agency.certificates.collect(self.client, found, self.agency.store)

    def _admit(self, listed: Mapping[str, Any]) -> Verified:
        reference, version = listed.get("reference"), listed.get("version")
        query = {"version": str(version)}
        export = self.client.get(f"/v1/agreements/{reference}", f"fetching {reference} version {version}", query)
        return self.agency.store.admit(export, listed)

    def targets(self, dataset_name: str, extract: Extract, verified: Sequence[Verified]) -> tuple[list[Target], list[Refused]]:
        """The agreements that this extract serves, ready to prepare under, and the refusals of those it may not serve."""
        targets: list[Target] = []
        refused: list[Refused] = []
        for one in verified:
            dataset = one.agreement.dataset(dataset_name)
            mode = str(dataset.mode) if dataset else ""
            decision = may_submit(one.standing, self.party, dataset_name, extract.period, mode, self.now())
            if isinstance(decision, Refused):
                refused.append(decision)
            else:
                targets.append(self._target(one, dataset_name, extract))
        return targets, refused

    def _target(self, verified: Verified, dataset_name: str, extract: Extract) -> Target:
        agreement = verified.agreement
        dataset = next(found for found in agreement.datasets if found.name == dataset_name)
        contract = fetch(self.client, verified, dataset, self.now())
        epoch = contract.linkage.epoch if contract.linkage else 0
        secret = self.agency.secrets.get(agreement.reference, epoch) if needs_linkage(dataset) else None
        check = self.agency.secrets.check_value(agreement.reference, epoch) if secret is not None else None
        linkage = require_linkage(contract, check, agreement.reference)
        excluded = self.agency.exclusions.of(agreement.reference, dataset)
        return Target(verified, contract, extract.period, linkage, secret, contract.heads.get(extract.period.name), excluded)

    def push(self, dataset_name: str, extract: Extract, verified: Sequence[Verified], *, nil: bool, wait: bool) -> Iterator[Outcome]:
        """Prepare one extract for every agreement it serves, and send it under each.

        Raises:
            AgreementRefused: no agreement admits it; or one does not, once it has been sent under the others.
        """
        naming = [one for one in verified if _supplies(one, self.party, dataset_name)] or list(verified[:1])
        targets, refused = self.targets(dataset_name, extract, naming)
        if not targets:
            raise refusal(refused[0] if refused else UNKNOWN)
        adapter = find(targets[0].dataset.adapter)
        name, before = extract.path.name, extract.was or stamp(extract.path)
        spool, lists, key = self.agency.settings.spool, self.agency.code_lists(), self.agency.manifest_key
        work = Work(self.party, spool, lists, key, self.now, self._left_out, lambda doubts: self._doubtful(name, doubts))
        uploads = prepare(adapter, extract.path, targets, work, nil=nil, seen=lambda done, total: self.watcher.reading(name, done, total))
        if stamp(extract.path) != before:
            for upload in uploads:
                upload.discard()
            remedy = "Nothing was sent. Push it again when whoever writes it has finished."
            raise ValidationFailed(f"{name} was changed while it was read.", remedy=remedy)
        for target, upload in zip(targets, uploads, strict=True):
            yield self.send(upload, target.verified, wait=wait)
        if refused:
            raise refusal(refused[0])

    def _left_out(self, target: Target, rows: int) -> None:
        what = f"{target.verified.agreement.reference} {target.dataset.name} {target.period}"
        self.watcher.say(f"{rows:,} row{' is' if rows == 1 else 's are'} left out of {what}: exclusion list.")

    def _doubtful(self, name: str, doubts: Doubts) -> None:
        for line in doubts.lines():
            self.watcher.say(f"{name}: {line}")

    def send(self, upload: Upload, verified: Verified, *, wait: bool) -> Outcome:
        """Send one spooled upload."""
        plan, name = upload.plan, str(upload)
        sending = Sending(self.client, upload, verified, self.agency.manifest_key, self.agency.receipts)
        return sending.run(
            lambda: present_head(self.client, plan.reference, plan.dataset, plan.period),
            wait=wait,
            sent=lambda done, total: self.watcher.sending(name, done, total),
        )


def keys_of(agreement: Agreement, party: str) -> frozenset[str]:
    """Every fingerprint that an agreement names for a party or recipient, people's and machines'."""
    keys = {one.client for one in agreement.recipients if one.id == party}
    if (found := agreement.party(party)) is not None:
        keys |= {*(person.key for person in found.people), *found.machines}
    return frozenset(keys)


def submissions(client: Client) -> list[dict[str, Any]]:
    """The hub's list of our submissions."""
    found = client.get("/v1/submissions", "listing our submissions").get("submissions")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise IntegrityFailed("The hub's list of submissions is not a list.")
    return found


def refusal(refused: Refused) -> AgreementRefused:
    """A refused decision as this room raises it."""
    return AgreementRefused(f"The agreement does not allow it: {refused.reason}", why=f"{refused.clause}.", remedy=refused.remedy)


def _supplies(verified: Verified, party: str, dataset_name: str) -> bool:
    dataset = verified.agreement.dataset(dataset_name)
    return dataset is not None and party in dataset.suppliers


def _chosen(listed: Sequence[Mapping[str, Any]], reference: str) -> list[Mapping[str, Any]]:
    """One version a reference: the newest in force; for a named reference without one, the newest there is."""
    newest: dict[str, Mapping[str, Any]] = {}
    for one in sorted(listed, key=lambda one: (one.get("state") == State.IN_FORCE, _version(one))):
        if reference in ("", one.get("reference")) and (reference or one.get("state") in (State.IN_FORCE, State.SUSPENDED)):
            newest[str(one.get("reference"))] = one
    if reference and not newest:
        raise refusal(UNKNOWN)
    return list(newest.values())


def _version(listed: Mapping[str, Any]) -> int:
    found = listed.get("version")
    return found if isinstance(found, int) else 0
