"""Entries of the log as tables (the columns of section 62), and as evidence for the Information Commissioner: a folder that needs no hub."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.exports.csv_table import to_csv
from exchange.keyring import Keyring
from exchange.log import prove, search
from exchange.log.record import checkpoint
from exchange.log.search import Found, Wanted
from exchange.log.witnesses import WitnessRow
from exchange.people.tables import PasskeyRow, PersonRow
from exchange.register import agreements
from exchange.register.tables import AgreementRow, KeyRow
from exchange.times import rfc3339
from keys.sign import SigningKey

COLUMNS = (
    *(
        "number",
        "date and time",
        "operation",
        "what",
        "who",
        "name",
        "organisation",
        "purpose",
        "recipient",
        "subject",
        "details",
        "redacted",
    ),
)
CSV, PROOF, CHECKPOINT, README = "entries.csv", "entries.jsonl", "checkpoint.txt", "README.txt"
MOST = 50_000
_PORTION = 2_000

_WORDS = """\
Entries of the log of an information-sharing hub
================================================

Log {origin}, {size:,} entries when this was made; {count:,} of them are here{chosen}.

{csv} is a table: one line an entry, with what section 62 of the Data Protection Act 2018 asks for (operation, date and time, who, the
agreement that is the purpose, and the recipient). Spreadsheets open it; an apostrophe in front of a cell keeps it from being run as a
formula, and is not part of the text. Entries hold no rows, no pseudonyms and no values: ids, counts, dates and reasons alone. Where
“redacted” says yes, the content of an entry was destroyed on purpose; another entry, “log entry redacted”, says when, by whom and why.

{proof} holds the same entries, each with a proof that it stands in the log under its number, unchanged.
{checkpoint} is the log's size and root, signed by the hub. Witnesses whose cosignatures are in {proof} are named when it is verified.

To verify, with no connection to the hub, on a machine that has the exchange's software:

    exchange log verify {proof} --key FINGERPRINT

FINGERPRINT is the log's key as the agreement names it, which every party has signed. Take it from a party's own copy of the agreement, not from
here; the hub says that it is {keys}. The command computes each entry's hash anew, follows its proof to the signed root, and says “holds”
or names the first entry that does not. The form of the file and the computation are written down in docs/formats.md, section 9.

The command also names each partner who has cosigned the log, up to which entry, and with which key. Compare that key's fingerprint with
the agreement too: anybody can make a key and give it a partner's name. Up to where a partner so named has cosigned it, the log here is the
one that the partner was shown. A partner verifies both files by its own copy of the agreement: exchange-agency verify {proof} {checkpoint}

{purpose}
"""


def names(session: Session) -> Mapping[str, str]:
    """Who stands behind ids and fingerprints in the log: people of the pages, and people whom agreements name; name and organisation."""
    found: dict[str, str] = {}
    for row in session.execute(select(AgreementRow)).scalars():
        for party in agreements.parsed(row.canonical).parties:
            found |= {one.key: f"{one.name}, {party.name}" for one in party.people}
    people = {row.id: f"{row.name}, {row.party}" for row in session.execute(select(PersonRow)).scalars()}
    keys = session.execute(select(PasskeyRow.fingerprint, PasskeyRow.person)).all()
    return {**found, **people, **{fingerprint: people[person] for fingerprint, person in keys if person in people}}


def table(entries: Iterable[Found], known: Mapping[str, str]) -> str:
    """The entries as CSV that no spreadsheet runs."""
    return to_csv(COLUMNS, (_row(one, known) for one in entries))


def _row(one: Found, known: Mapping[str, str]) -> dict[str, str]:
    details = json.dumps(dict(one.details), ensure_ascii=False, sort_keys=True) if one.details else ""
    cells = (
        *(str(one.number), rfc3339(one.at), one.operation, one.what, one.who, known.get(one.who, ""), one.organisation),
        *(one.reference, one.recipient, one.subject, details, "yes" if one.redacted else ""),
    )
    return dict(zip(COLUMNS, cells, strict=True))


def evidence(session: Session, keyring: Keyring, wanted: Wanted, folder: Path) -> int:
    """Write the evidence into an empty folder; how many entries it holds."""
    keys, chosen = keyring.every("log"), search.numbers(session, wanted)
    now = checkpoint(session)
    with (folder / PROOF).open("w", encoding="utf-8", newline="\n") as file:
        for line in proof_lines(session, keys, chosen):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            if "checkpoint" in line:
                (folder / CHECKPOINT).write_text(str(line["checkpoint"]), encoding="utf-8", newline="\n")
    known = names(session)
    with (folder / CSV).open("w", encoding="utf-8", newline="") as file:
        file.write(to_csv(COLUMNS, ()))
        for start in range(0, len(chosen), _PORTION):
            portion = table(search.every(session, chosen[start : start + _PORTION]), known)
            file.write(portion.partition("\r\n")[2])
    named = ", ".join(f"{name}: {value}" for name, value in wanted.named().items())
    words = _WORDS.format(
        origin=now.origin,
        size=now.size,
        count=len(chosen),
        chosen=f" ({named})" if named else "",
        keys=" or ".join(key.public.fingerprint for key in keys),
        purpose=search.PURPOSE,
        csv=CSV,
        proof=PROOF,
        checkpoint=CHECKPOINT,
    )
    (folder / README).write_text(words, encoding="utf-8", newline="\n")
    return len(chosen)


def proof_lines(
    session: Session, keys: list[SigningKey], chosen: list[int], parties: Collection[str] | None = None
) -> Iterator[dict[str, object]]:
    """The lines of a proof of these entries: ``keys.logproof``. ``parties``: the witnesses of whom the reader may know, if not all."""
    wanted = select(KeyRow.fingerprint, KeyRow.public).where(KeyRow.fingerprint.in_(select(WitnessRow.key)))
    publics = {row.fingerprint: row.public for row in session.execute(wanted)}
    size = checkpoint(session).size
    yield prove.head_of(session, keys, publics, len(chosen), parties)
    yield from prove.prove(session, chosen, size)
