"""When the hub's log was lost with its second store: another log goes on, if every party has signed for it, from where we had seen it.

Nothing less makes this agency look at another log. The succession names the last checkpoint that a witness saw; what came after it is lost,
and the parties say so together.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from adapters.agency.agreements_store import Verified
from adapters.agency.client import Client
from adapters.agency.cosigners import Keys, Seen
from adapters.agency.session import Agency
from adapters.agency.witness import Kept, continues, fetch, log_key, succeeded
from adapters.errors import AgreementRefused, IntegrityFailed, ServerRefused, UsageError
from agreements.lifecycle import State
from agreements.rules import today
from keys.checkpoint import Checkpoint, verify_checkpoint
from keys.encoding import canonical, parse_json
from keys.errors import BadFormat, BadProof, BadSignature
from keys.files import replace
from keys.sign import VerifyKey
from keys.succession import Succeeding, read_succession

_KEEP = "Accept nothing; speak to the other partners and to your data protection officer."


def accept(path: Path, agency: Agency, client: Client, verified: Verified, now: datetime) -> Checkpoint:
    """Accept a signed succession from a file: from now on the new log is the one that is witnessed. Its first checkpoint.

    Args:
        verified: an agreement that names the new log's key.
    Raises:
        UsageError: it is no succession, or there is nothing here to succeed.
        AgreementRefused: not every party of every agreement verified here has signed it.
        IntegrityFailed: it does not go on from what was seen here, or the hub's log is not the one that it names.
    """
    witness, witnesses, at = agency.witness, agency.witnesses, int(now.timestamp())
    kept = witness.kept()
    if kept is None:
        raise UsageError("No log has been witnessed here yet, so none can have a successor.", remedy="Run exchange-agency watch.")
    known = Keys.of(agency.store.all())
    read = _read(path, {kept.key, *known.log}, verified)
    if read.begins.origin == kept.head.origin:
        raise UsageError("This succession was accepted here already.", remedy="There is nothing to do.")
    if read.begins.origin in succeeded(witness.home):
        raise IntegrityFailed("The succession goes back to the name of a log that was lost before.", remedy=_KEEP)
    _goes_on(read, kept, witnesses.standing(agency.store.all(), at)[0], known, client)
    _signed_by_all(read, [one for one in agency.store.newest() if _binds(one, now)])
    note = fetch(client)
    try:
        head = verify_checkpoint(note, read.begins.origin, log_key(verified))
        continues(client, read.begins, head)
    except (BadFormat, BadSignature, BadProof) as error:
        raise IntegrityFailed(
            "The hub's log is not the one that the succession names.",
            why=f"{type(error).__name__}: {error}.",
            remedy="Ask the operator whether the new log was begun (exchange log succeed begin); then run this again.",
        ) from None
    replace(witness.home / f"succession-{at}.json", canonical(parse_json(path.read_bytes(), limit=1 << 20)) + b"\n")
    witnesses.forget(at)
    agency.watch.restart()
    witness.keep(note, head, log_key(verified))
    return read.begins


def _read(path: Path, old: Collection[VerifyKey], verified: Verified) -> Succeeding:
    try:
        return read_succession(parse_json(path.read_bytes(), limit=1 << 20), old, [log_key(verified)])
    except OSError:
        raise UsageError(f"{path}: the file cannot be read.") from None
    except (BadFormat, BadSignature) as error:
        raise UsageError(
            f"{path}: this is no succession of the log witnessed here.",
            why=f"{type(error).__name__}: {error}.",
            remedy="Ask the operator for the file that exchange log succeed begin writes.",
        ) from None


def _goes_on(read: Succeeding, kept: Kept, seen: Sequence[Seen], keys: Keys, client: Client) -> None:
    """The new log begins with all that we saw; or the lost one ends exactly where we last saw it, or later where a witness saw it.

    It must not end before what any other witness saw either, unless the new log begins with that.
    """
    begins = kept.head.size <= read.begins.size and _begins(client, kept.head, read.begins)
    later = read.ended.size > kept.head.size and any(keys.read(read.document.ended))
    beyond = [one.party for one in seen if one.head.size > read.ended.size and not (begins and one.proved)]
    if read.ended.origin == kept.head.origin and not beyond and (begins or later or read.ended == kept.head):
        return
    why = f"It ends the log at {read.ended.size:,} entries; here it was seen with {kept.head.size:,}"
    why += f", and {beyond[0]} cosigned more." if beyond else ": neither that very checkpoint, nor a later one that a witness cosigned."
    raise IntegrityFailed("The succession does not go on from the log that was witnessed here.", why=why, remedy=_KEEP)


def _begins(client: Client, old: Checkpoint, new: Checkpoint) -> bool:
    try:
        continues(client, old, new)
    except (BadFormat, BadProof, ServerRefused):
        return False
    return True


def _binds(verified: Verified, now: datetime) -> bool:
    """Whether an agreement still binds its parties, by its own words and by what they signed, whatever the hub says."""
    return verified.standing.state != State.TERMINATED and today(now) < verified.agreement.expires


def _signed_by_all(read: Succeeding, known: Sequence[Verified]) -> None:
    """The signatories of every party of each of these agreements, of which there must be one."""
    if not known:
        raise AgreementRefused(
            "No agreement verified here binds its parties any more: nobody is named who would have to sign the succession.",
            remedy="Renew the agreement first.",
        )
    lacking = [
        f"{party.id} ({one.agreement.reference})"
        for one in known
        for party in one.agreement.parties
        if party.signatory.key not in read.signers
    ]
    if lacking:
        raise AgreementRefused(
            "The succession of the log is not signed by every party.",
            why=f"The signatory is missing of: {', '.join(lacking)}.",
            remedy="Every party's signatory signs it: exchange log succeed sign.",
        )
