"""What a statement may do to a version, given every version of its agreement: which act it is, and whether its speaker is entitled to it."""

from collections.abc import Mapping, Sequence

from agreements.decisions import Allowed, Decision, Refused
from agreements.lifecycle import Act, State
from agreements.signing import ADVICE, Statement, Voice, changed_keys, parse_statement, progress, unendorsed
from exchange.register.tables import AgreementRow
from exchange.register.versions import in_force_now, parsed, suspenders

_ACTS: Mapping[Voice, Act] = {
    Voice.ADVISE_FOR: Act.ADVISE,
    Voice.ADVISE_AGAINST: Act.ADVISE,
    Voice.SIGN: Act.SIGN,
    Voice.ENDORSE: Act.ENDORSE,
    Voice.SUSPEND: Act.SUSPEND,
    Voice.RESUME: Act.RESUME,
    Voice.TERMINATE: Act.TERMINATE,
}
_PARTIAL: Mapping[Voice, Act] = {Voice.SUSPEND: Act.SUSPEND_DATASET, Voice.RESUME: Act.RESUME_DATASET}


def act_of(row: AgreementRow, earlier: Sequence[Statement], said: Statement) -> Act:
    """The table's name for what is said: the last signature, and the last suspender's word, are acts of their own."""
    if said.dataset:
        return _PARTIAL[said.voice]
    if said.voice is Voice.SIGN and progress(parsed(row.canonical), [*earlier, said]).complete:
        return Act.SIGN_LAST
    if said.voice is Voice.RESUME and suspenders(row) == {said.party}:
        return Act.RESUME_LAST
    return _ACTS[said.voice]


def before_it(versions: Sequence[AgreementRow], row: AgreementRow, said: Statement) -> list[Statement]:
    """What was said before that this could take back: of this version; of any, where it resumes, for a stop passes from one to the next."""
    about = versions if said.voice is Voice.RESUME else (row,)
    return [parse_statement(recorded.signed["document"]) for one in about for recorded in one.statements]


def newest(versions: Sequence[AgreementRow], row: AgreementRow, said: Statement) -> Decision:
    """Nobody advises on, endorses or signs a version when a newer one has been signed by every party, nor stops one in place of the newer."""
    clause = parsed(row.canonical).clause("versions")
    signed = [one for one in versions if one.version > row.version and (one.state == State.SIGNED or one.in_force_at is not None)]
    if signed and said.voice in ADVICE | {Voice.SIGN, Voice.ENDORSE}:
        reason = f"version {signed[-1].version}, a newer one, has been signed by every party."
        return Refused(clause, reason, "Speak about that version, or propose a new one.")
    now = in_force_now(versions)
    passed_by = row.replaced_at is not None and now is not None and now.version > row.version
    if passed_by and said.voice in (Voice.SUSPEND, Voice.TERMINATE) and now is not None and parsed(now.canonical).party(said.party):
        # Whoever says stop must not be told that it is done while a newer version goes on.
        reason = f"version {now.version} has replaced this one and would go on."
        return Refused(clause, reason, f"Say it of version {now.version}: it then holds for the older ones as well.")
    return Allowed(clause)


def entitled(versions: Sequence[AgreementRow], row: AgreementRow, earlier: Sequence[Statement], said: Statement, act: Act) -> Decision:
    """Whether this speaker may take this step: only a suspender resumes, only a former key endorses, and no key changes unendorsed."""
    agreement = parsed(row.canonical)
    if said.voice is Voice.RESUME and said.party not in suspenders(row, said.dataset):
        what = f"the dataset {said.dataset}" if said.dataset else "it"
        return Refused(agreement.clause("suspension"), f"this party has not suspended {what}.", "Only a party that suspended it resumes.")
    if act is Act.ENDORSE:
        return _endorses(versions, row, said)
    standing = in_force_now(versions)
    if act is Act.SIGN_LAST and standing is not None:
        old = parsed(standing.canonical)
        if lacking := unendorsed(old, agreement, [*earlier, said]):
            who = ", ".join(lacking)
            reason = f"it names other keys for {who} than version {old.version} in force, and nobody entitled vouches for them."
            remedy = (
                f"The signatory whom version {old.version} names endorses this one with the key named there, or two parties whose own "
                "keys stay the same sign before; then sign again."
            )
            return Refused(agreement.clause("parties", lacking[0]), reason, remedy)
    return Allowed(agreement.clause("parties", said.party))


def _endorses(versions: Sequence[AgreementRow], row: AgreementRow, said: Statement) -> Decision:
    agreement, standing = parsed(row.canonical), in_force_now(versions)
    clause = agreement.clause("parties", said.party)
    old = parsed(standing.canonical) if standing is not None else None
    before = old.party(said.party) if old is not None else None
    if old is None or before is None or said.party not in changed_keys(old, agreement):
        return Refused(clause, "no key of this party is changed from a version in force: there is nothing to endorse.", "Just sign it.")
    if (said.key, said.person) != (before.signatory.key, before.signatory.name):
        reason = f"only the signatory whom version {old.version} names for this party endorses its other keys."
        return Refused(clause, reason, "Endorse with the key named there, under the name given there.")
    return Allowed(clause)
