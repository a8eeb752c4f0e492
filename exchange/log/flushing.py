"""The second store kept up with the database: what a transaction appended is flushed to it before anybody is answered.

The database commits first, so it never lacks what the store has. If the store then fails, the caller gets an error and may ask again:
what was done stands, and is found. From then on nothing more is appended until the store has been caught up: no entry, no effect.
"""

from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from exchange.db import reading, writing
from exchange.errors import Misconfigured, Unavailable
from exchange.log.second import Ahead, Behind, Forked, GapError, SecondStore, compare, line_of
from exchange.log.segments import Line
from exchange.log.tables import ERASURE, GONE, REDACTED, EntryRow

_OPTION = "lcjp_second_store"
_APPENDED, _REDACTED = "lcjp_appended", "lcjp_redacted"
_CHUNK = 1000


def attach(engine: Engine, store: SecondStore) -> None:
    """From now on, whatever is appended through this engine is flushed to the store."""
    engine.update_execution_options(**{_OPTION: store})


def of(engine: Engine) -> SecondStore | None:
    """The engine's store, if it has one."""
    found = engine.get_execution_options().get(_OPTION)
    return found if isinstance(found, SecondStore) else None


def store_of(session: Session) -> SecondStore | None:
    """The store of this session's engine, if it has one."""
    return of(session.get_bind().engine)


def before(session: Session) -> None:
    """Refuse to append while the store cannot take it. Asked under the head's lock, so that nothing is committed meanwhile."""
    store = store_of(session)
    if store is not None and not store.sure:
        _catch_up_or_refuse(session, store)


def settled(session: Session) -> None:
    """Decide nothing while something that was committed could not be flushed: a repeat must not be answered with what may yet be lost."""
    store = store_of(session)
    if store is not None and store.failed:
        _catch_up_or_refuse(session, store)


def _catch_up_or_refuse(session: Session, store: SecondStore) -> None:
    try:
        catch_up(session.get_bind().engine, store)
    except OSError as error:
        raise _unavailable("nothing was kept") from error


def appended(session: Session, line: Line) -> None:
    """Have this entry flushed when the transaction is committed; ``line`` as the store has it."""
    if store_of(session) is not None:
        _watch(session)
        session.info[_APPENDED].append(line)


def redacted(session: Session, number: int) -> None:
    """Have this entry redacted in the store too when the transaction is committed."""
    if store_of(session) is not None:
        _watch(session)
        session.info[_REDACTED].append(number)


def flushed(session: Session, size: int) -> None:
    """Have the first ``size`` entries in the second store too before witnesses are shown them: what they saw must outlive the database."""
    store = store_of(session)
    try:
        if store is not None and store.size() < size:
            catch_up(session.get_bind().engine, store)
    except OSError as error:
        raise _unavailable("no head of the log is shown") from error


def catch_up(engine: Engine, store: SecondStore) -> int:
    """Write to the store what the database has and it lacks; how many entries. ``Misconfigured`` if it is ahead, or of another log."""
    with reading(engine) as session:
        match compare(session, store):
            case Ahead(held, known):
                raise Misconfigured(
                    f"the second store of the log has {held:,} entries and the database {known:,}: it was restored from a backup.",
                    remedy="Finish the restoring before the hub is used: see docs/log.md.",
                )
            case Forked(number):
                raise Misconfigured(
                    f"entry {number} of the log is another one in the second store.",
                    remedy="The database is not the one that this store belongs to, or one of them was altered: see docs/log.md.",
                )
            case Behind(held, _):
                count = _write(session, store, held)
            case _:
                count = 0
    store.sure, store.failed = True, False
    return count


def start(engine: Engine, store: SecondStore) -> int:
    """At the start of a hub: catch up what a crash left out, and redact again what a crash or a restore brought back. How many were lacking."""
    lacking = catch_up(engine, store)
    with reading(engine) as session:
        said = select(EntryRow.subject).where(EntryRow.operation == ERASURE, EntryRow.what == REDACTED)
        numbers = [int(number) for number in session.execute(said).scalars()]
        back = set(session.execute(select(EntryRow.number).where(EntryRow.number.in_(numbers), EntryRow.salt.is_not(None))).scalars())
    if back:
        with writing(engine) as session:
            session.execute(update(EntryRow).where(EntryRow.number.in_(back)).values(GONE))
    for number in numbers:
        store.redact(number)
    return lacking


def _write(session: Session, store: SecondStore, after: int) -> int:
    count = 0
    query = select(EntryRow).order_by(EntryRow.number).limit(_CHUNK)
    while rows := session.execute(query.where(EntryRow.number >= after)).scalars().all():
        store.extend([line_of(row) for row in rows])
        session.expunge_all()
        after, count = rows[-1].number + 1, count + len(rows)
    return count


def _watch(session: Session) -> None:
    session.info.setdefault(_APPENDED, [])
    session.info.setdefault(_REDACTED, [])


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_APPENDED, None)
    session.info.pop(_REDACTED, None)


@event.listens_for(Session, "after_commit")
def _flush(session: Session) -> None:
    if _APPENDED not in session.info or session.in_nested_transaction():
        return
    lines, numbers, store = session.info.pop(_APPENDED), session.info.pop(_REDACTED), store_of(session)
    if store is None:
        return
    try:
        try:
            store.extend(lines)
        except GapError:
            catch_up(session.get_bind().engine, store)
        for number in numbers:
            store.redact(number)
    except OSError as error:
        store.sure, store.failed = False, True
        raise _unavailable("what was asked for is done, and is found when it is asked for again") from error
    except BaseException:
        store.sure, store.failed = False, True
        raise


def _unavailable(what: str) -> Unavailable:
    return Unavailable(f"the log's second store cannot be written; {what}.", remedy="Try again in a minute.", code="second-store")
