"""The story of a submission: manifest, missing parts, complete, acknowledgement, receipt. Killed anywhere, it resumes from the spool."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.agency.problems import plain
from adapters.agency.receipts import Receipts, check_acknowledgement, check_receipt
from adapters.agency.spool import Upload
from adapters.errors import IntegrityFailed, NetworkFailed, PeriodClosed, ServerRefused
from keys.errors import BadFormat, BadSignature
from keys.formats import Manifest, Receipt
from keys.sign import SigningKey, Use, sign_document, verify_document

DECIDED = frozenset({"held", "refused", "superseded", "repeated", "disposing", "disposed"})
POLL, LONGEST_POLL = 0.25, 5.0
ROUNDS = 3
Sent = Callable[[int, int], None]
Head = Callable[[], str | None]


@dataclass(frozen=True)
class Outcome:
    """How a submission ended: its receipt, or none yet where nobody waited for it. ``doubts``: what the hub's report finds doubtful."""

    submission: str
    receipt: Receipt | None
    same_content: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sending:
    """One upload on its way, with everything that its answers are checked against."""

    client: Client
    upload: Upload
    verified: Verified
    key: SigningKey
    receipts: Receipts

    def run(self, head: Head, *, wait: bool = True, sent: Sent | None = None) -> Outcome:
        """Send what the hub lacks, and wait for the receipt. The spool is emptied once a true receipt is kept.

        Args:
            head: asks for the period's present head, once, where the manifest names another.
            sent: told (parts at the hub, parts in all).
        Raises:
            ServerRefused: the hub refuses for good, or its receipt says so; the spool is emptied, the extract can be pushed again.
            PeriodClosed: the agreement has closed the period; the spool is emptied.
            NetworkFailed, AuthenticationFailed, AgreementRefused: the spool stays; the next run resumes.
            IntegrityFailed: what the hub signed does not hold; the spool stays, as evidence.
        """
        try:
            return self._run(head, wait=wait, sent=sent)
        except (ServerRefused, PeriodClosed):
            self.upload.discard()
            raise

    def _run(self, head: Head, *, wait: bool, sent: Sent | None) -> Outcome:
        answer, manifest = self._announce(head)
        submission = _text(answer, "submission")
        if answer.get("same_content") is True:
            return self._same_content(answer, submission, manifest, wait=wait)
        for _ in range(ROUNDS):
            if answer.get("state") not in DECIDED:
                self._complete(submission, manifest, answer, sent)
            if not wait:
                return Outcome(submission, None)
            answer = self._await(submission)
            if answer.get("receipt") is not None:
                return self._conclude(answer, submission, manifest, same_content=answer.get("same_content") is True)
            self.upload.forget_acknowledgement()
        raise NetworkFailed(
            f"The hub loses the parts of {self.upload} again and again.", why=f"Submission {submission}.", remedy="Tell the operator."
        )

    def _announce(self, head: Head) -> tuple[Any, Manifest]:
        """Post the manifest; where the period's head has moved, name the present one, sign again, and post once more."""
        try:
            return self._post_manifest()
        except ServerRefused as error:
            if error.code != "head-moved":
                raise
        manifest = Manifest.parse({**self._manifest().document(), "after": head()})
        self.upload.write_manifest(sign_document(manifest.document(), Use.MANIFEST, self.key))
        return self._post_manifest()

    def _post_manifest(self) -> tuple[Any, Manifest]:
        manifest = self._manifest()
        return self.client.post("/v1/submissions", f"announcing {self.upload}", self.upload.manifest), manifest

    def _manifest(self) -> Manifest:
        """Our manifest, verified as the hub will, so that a damaged spool is found here."""
        try:
            return Manifest.parse(verify_document(self.upload.manifest, Use.MANIFEST, self.key.public.fingerprint))
        except (BadFormat, BadSignature):
            raise IntegrityFailed(
                f"The spooled manifest of {self.upload} was altered, or another key signed it.",
                remedy=f"Remove the folder {self.upload.folder} and push the extract again.",
            ) from None

    def _complete(self, submission: str, manifest: Manifest, answer: Any, sent: Sent | None) -> None:
        """Put what is missing and complete; a hub that lost parts meanwhile names them, and they are put again, twice at most."""
        missing = _numbers(answer, len(manifest.parts))
        if missing and self.upload.spent:
            raise ServerRefused(
                f"The hub has lost parts of {self.upload}, and they hold rows of somebody who is to be left out since.",
                why="They were not sent again.",
                remedy="Push the extract again: the exclusion list is applied to it.",
                code="parts-spent",
            )
        for attempt in range(3):
            self._put(submission, missing, len(manifest.parts), sent)
            try:
                done = self.client.post(f"/v1/submissions/{submission}/complete", f"completing {self.upload}")
            except ServerRefused as error:
                if error.code != "parts-missing" or attempt == 2:
                    raise
                missing = _numbers(self._state(submission), len(manifest.parts))
            else:
                self._acknowledged(done.get("acknowledgement"), submission, manifest)
                return

    def _acknowledged(self, signed: Any, submission: str, manifest: Manifest) -> None:
        if check_acknowledgement(signed, manifest, self.verified).submission != submission:
            raise IntegrityFailed("The hub acknowledges another submission than the one it was sent.")
        self.upload.write_acknowledgement(signed)

    def _put(self, submission: str, missing: list[int], total: int, sent: Sent | None) -> None:
        for position, number in enumerate(missing):
            if sent:
                sent(total - len(missing) + position, total)
            doing = f"sending part {number} of {self.upload}"
            self.client.put(f"/v1/submissions/{submission}/parts/{number}", doing, self.upload.read_part(number))
        if sent:
            sent(total, total)

    def _state(self, submission: str) -> Any:
        return self.client.get(f"/v1/submissions/{submission}", f"asking after {self.upload}")

    def _await(self, submission: str) -> Any:
        """Ask, ever less often, until the hub has decided, or has lost parts and wants them again; NetworkFailed when the wait is over."""
        until, pause = time.monotonic() + self.client.settings.wait, POLL
        while (answer := self._state(submission)).get("receipt") is None and answer.get("state") != "open":
            if time.monotonic() + pause > until:
                raise NetworkFailed(
                    f"The hub has all of {self.upload} and has not decided yet.",
                    why=f"Submission {submission}, state {answer.get('state')!s:.20}.",
                    remedy="Later: exchange-agency push --resume fetches the receipt.",
                )
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL)
        return answer

    def _same_content(self, answer: Any, submission: str, manifest: Manifest, *, wait: bool) -> Outcome:
        """The hub holds this very content from an earlier upload: its receipt is as good."""
        if answer.get("receipt") is None:
            if not wait:
                return Outcome(submission, None, same_content=True)
            answer = self._await(submission)
        return self._conclude(answer, submission, manifest, same_content=True)

    def _conclude(self, answer: Any, submission: str, manifest: Manifest, *, same_content: bool) -> Outcome:
        receipt = check_receipt(answer["receipt"], manifest, self.verified, same_content=same_content)
        # Sent while its equal was being decided: the hub kept that one, and gives its receipt for both.
        held = _text(answer, "repeats") if same_content and answer.get("repeats") is not None else submission
        if receipt.submission != held:
            raise IntegrityFailed("The hub's receipt is of another submission than the one it was asked for.")
        kept = {"receipt": answer["receipt"], "report": answer.get("report")}
        if not same_content:
            kept |= {"manifest": self.upload.manifest, "acknowledgement": self.upload.acknowledgement}
        folder = self.receipts.keep(held, kept)
        if receipt.outcome == "refused":
            reason = receipt.reasons[0]
            raise ServerRefused(
                f"The hub refused the submission of {self.upload}: {reason.reason}",
                why=f"{reason.clause}. The signed receipt is {folder / 'receipt.json'}.",
                remedy="Nothing of it was kept. Correct the extract and push it again.",
                code="receipt-refused",
            )
        self.upload.discard()
        return Outcome(held, receipt, same_content, _doubts(answer.get("report")))


def _doubts(report: Any) -> tuple[str, ...]:
    """What the hub's quality report finds doubtful, as it may be shown."""
    found = report.get("doubts") if isinstance(report, dict) else None
    return tuple(plain(one)[:40] for one in found[:10]) if isinstance(found, list) else ()


def _text(answer: Any, name: str) -> str:
    found = answer.get(name)
    if not isinstance(found, str) or not found or not all(c.isascii() and (c.isalnum() or c in "-_") for c in found):
        raise IntegrityFailed(f"The hub's answer has no “{name}” that is a name.")
    return found


def _numbers(answer: Any, parts: int) -> list[int]:
    found = answer.get("missing")
    if not isinstance(found, list) or not all(type(one) is int and 1 <= one <= parts for one in found):
        raise IntegrityFailed("The hub's list of missing parts is not one of parts that there are.")
    return sorted(set(found))
