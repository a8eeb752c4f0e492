"""``exchange release …``: ask for an edition, look at exactly what would be published, check it, withdraw it, list, what is due."""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from sqlalchemy import select

from agreements.decisions import Refused
from agreements.periods import Period, months
from exchange.commands.shared import OPERATOR, hub_of, key_of, say, write_new
from exchange.db import reading, writing
from exchange.errors import RefusedByAgreement
from exchange.log.record import moment
from exchange.questions import editions_due
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import checking, edition, life, linked_edition, noted, picturing, reproducing, withdrawing
from exchange.releases.edition import Wanted
from exchange.releases.engine import power_of
from exchange.releases.protected import Shown
from exchange.releases.screen import grid, published_tables
from exchange.releases.tables import EditionRow
from exchange.releases.uniqueness import in_words
from exchange.restore.standing import require_reapplied
from keys.errors import BadProof
from keys.sign import Use, sign_document


@click.group()
def release() -> None:
    """Releases and their editions."""


@release.command()
@click.argument("reference")
@click.argument("name")
@click.option("--from", "first", required=True, help="first period, such as 2021-04")
@click.option("--to", "last", required=True, help="last period")
@click.option("--key", required=True, type=click.Path(), help="your key file: it says who asks")
@click.option(
    "--reason", default="", help="why it is asked for: needed where an edition of the same periods was published before; everybody reads it"
)
@click.option("--advise", is_flag=True, help="also try every other method of protection, for the checkers to compare (takes longer)")
@click.pass_context
def request(context: click.Context, reference: str, name: str, first: str, last: str, key: str, reason: str, advise: bool) -> None:  # noqa: FBT001, PLR0917 -- click passes every option by name
    """Make an edition: link, tabulate, protect, attack; then two others check it."""
    hub = hub_of(context)
    require_reapplied(hub)
    wanted = Wanted(reference, name, Period.parse(first), Period.parse(last), key_of(key).fingerprint, reason)
    identity = edition.draft(hub.engine, hub.keyring, hub.places.held, wanted, hub.clock, memory=power_of(hub.settings), advised=advise)
    with reading(hub.engine) as session:
        row = edition.find(session, identity)
        found = {"edition": identity, "draft": row.draft_digest, "state": row.state, "report": checking.without_findings(row)}
    say(
        context,
        found,
        f"{identity} is drafted and protected; the disclosure test found nothing.",
        f"What its rows showed, for checkers and DPOs:  exchange release show {identity} --key KEYFILE",
        f"Next, two checkers, neither of them you:  exchange release check {identity} --approve --key KEYFILE",
    )


@release.command()
@click.argument("identity", metavar="EDITION")
@click.option("--out", type=click.Path(path_type=Path), help="write every file there")
@click.option(
    "--key",
    type=click.Path(),
    help="your key file, if you check for the agreement or are a party's DPO: what the rows showed is yours to see",
)
@click.option("--at", "cuts", multiple=True, metavar="DIMENSION=CODE", help="cut the tables at a category, such as force=cleveland-police")
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="draw what is hidden, as SVG, in this file")
@click.pass_context
def show(context: click.Context, identity: str, out: Path | None, key: str | None, cuts: tuple[str, ...], picture: Path | None) -> None:
    """Exactly what would be, or was, published: on the screen, and with --out as files. With --key, how far kept fields single rows out."""
    hub = hub_of(context)
    require_reapplied(hub)
    with writing(hub.engine) as session:
        row = edition.find(session, identity)
        seen = checking.findings(session, row, key_of(key).fingerprint, hub.clock()) if key else None
        compared = checking.advice(session, row, key_of(key).fingerprint, hub.clock()) if key else []
        about = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
        what = f"edition shown{', with its findings' if key else ''}"
        noted.looked_at(session, identity, key_of(key).fingerprint if key else OPERATOR, about, what, moment(session, hub.clock))
    with reading(hub.engine) as session:
        row = edition.find(session, identity)
        files = {one.name: one.content for one in row.files}
        found = {
            "edition": row.id,
            "state": row.state,
            "draft": row.draft_digest,
            "report": checking.without_findings(row),
            "document": row.signed or row.draft,
        }
        definition = about.release(row.release) if files else None  # of what was dropped nothing is left to show
        periods = months(Period.parse(row.first_period), Period.parse(row.last_period))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
        write_new(out / "edition.json", json.dumps(found["document"], indent=1) + "\n")
    lines = [f"{identity}: {found['state']}", *(f"  {name}  {len(content):,} bytes" for name, content in files.items())]
    beside = {} if seen is None else {checking.FINDINGS: seen, checking.ADVICE: compared}
    told = [*in_words(seen), *(linked_edition.in_words(seen["linkage"]) if "linkage" in seen else ())] if seen else []
    say(context, {**found, **beside}, *lines, *told, *picturing.in_words(compared))
    if definition is not None and not context.obj["json"]:
        _print(published_tables(definition, periods, files), dict(cut.split("=", 1) for cut in cuts if "=" in cut))
    if definition is not None and picture is not None:
        write_new(picture, picturing.picture(f"What {identity} hides", published_tables(definition, periods, files), compared))


def _print(tables: Sequence[Shown], cuts: Mapping[str, str]) -> None:
    """Each table by its longest dimension and its last; the others at their totals, or where they are cut."""
    console = Console(highlight=False)
    for shown in tables:
        names = [axis.name for axis in shown.along]
        rows = max(names[:-1], key=lambda name: len(next(axis for axis in shown.along if axis.name == name).codes))
        mine = {name: code for name, code in cuts.items() if name in names and name not in (rows, names[-1])}
        console.print(grid(shown, rows=rows, columns=names[-1], at=mine))


@release.command()
@click.argument("identity", metavar="EDITION")
@click.option("--key", required=True, type=click.Path(), help="your key file")
@click.option("--approve/--refuse", "approve", required=True, help="your decision")
@click.option("--comment", default="", help="your words, kept with the decision")
@click.pass_context
def check(context: click.Context, identity: str, key: str, approve: bool, comment: str) -> None:  # noqa: FBT001
    """Say yes or no to exactly this draft, signed with your key."""
    hub, keyfile = hub_of(context), key_of(key)
    require_reapplied(hub)
    with reading(hub.engine) as session:
        row = edition.find(session, identity)
        agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
        person = next((one for party in agreement.parties for one in party.checkers if one.key == keyfile.fingerprint), None)
        if person is None:
            clause = agreement.clause("approvals", "output checkers")
            raise RefusedByAgreement(
                Refused(clause, "this key belongs to no output checker of the agreement.", "A checker named there must check.")
            )
        decision = checking.APPROVE if approve else checking.REFUSE
        document = checking.vote_document(
            row, person=person.name, decision=decision, comment=comment, made=hub.clock(), nonce=secrets.token_hex(16)
        )
    signed = sign_document(document, Use.OUTPUT_CHECK, keyfile.signing)
    with writing(hub.engine) as session:
        row = checking.record(session, hub.keyring, signed, hub.clock)
        state = row.state
    say(context, {"edition": identity, "decision": decision, "state": state}, f"{person.name}: {decision}; {identity} is {state}.")


@release.command()
@click.argument("identity", metavar="EDITION")
@click.option("--reason", required=True, help="what is wrong with it; everybody who asks for it reads this")
@click.option("--key", required=True, type=click.Path(), help="your key file: a checker's, DPO's or signatory's of the agreement")
@click.pass_context
def withdraw(context: click.Context, identity: str, reason: str, key: str) -> None:
    """Take a published edition back, for a reason, signed with your key. What was received before is known, and stays so."""
    hub, keyfile = hub_of(context), key_of(key)
    require_reapplied(hub)
    with reading(hub.engine) as session:
        row = edition.find(session, identity)
        person, decision = withdrawing.may(session, row, {keyfile.fingerprint})
        edition.require(decision)
        document = withdrawing.withdrawal_document(
            row, person=person.name if person else "", reason=reason, made=hub.clock(), nonce=secrets.token_hex(16)
        )
    signed = sign_document(document, Use.WITHDRAWAL, keyfile.signing)
    with writing(hub.engine) as session:
        row = withdrawing.record(session, signed, hub.clock)
        after = life.successor(session, row)
        found = {"edition": identity, "state": row.state, "reason": row.ended, "successor": after.id if after else None}
    asks = f"Whoever asks for it is sent to {after.id}." if after else "Nothing has taken its place yet."
    say(context, found, f"{identity} is withdrawn: {found['reason']} {asks}")


@release.command()
@click.argument("identity", metavar="EDITION")
@click.pass_context
def reproduce(context: click.Context, identity: str) -> None:
    """Make an edition once more from the inputs that it names, and compare every file; nothing is kept of it."""
    hub = hub_of(context)
    require_reapplied(hub)
    found = reproducing.reproduce(hub.engine, hub.keyring, hub.places.held, identity, hub.clock, memory=power_of(hub.settings))
    if not found.same:
        raise BadProof(f"{identity} comes out otherwise: {', '.join(found.differing)}. Compare the version of the code that it names")
    say(context, {"edition": identity, "same": True}, f"{identity} comes out the same, to the byte, in every file.")


@release.command()
@click.option("--reference", help="of one agreement alone")
@click.pass_context
def due(context: click.Context, reference: str | None) -> None:
    """The editions that come by themselves and are neither published nor waiting: which are due, and why the others are not."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        expected = editions_due.everything(session, hub.clock(), reference)
    found = [
        {"reference": one.reference, "release": one.release, "period": one.period.name, "due": not one.why_not, "why_not": one.why_not}
        for one in expected
    ]
    lines = [f"{one.reference} {one.release} {one.period.name}: {one.why_not or 'due: the schedule drafts it'}" for one in expected]
    say(context, {"expected": found}, *(lines or ["No edition is expected."]))


@release.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Every edition."""
    with reading(hub_of(context).engine) as session:
        rows = session.execute(select(EditionRow).order_by(EditionRow.requested_at)).scalars()
        found = [
            {
                "edition": row.id,
                "reference": row.reference,
                "release": row.release,
                "from": row.first_period,
                "to": row.last_period,
                "state": row.state,
                "status": row.draft.get("status"),
                "revises": row.revises,
                "because": row.ended,
            }
            for row in rows
        ]
    lines = [_line(one) for one in found]
    say(context, {"editions": found}, *(lines or ["No editions yet."]))


def _line(one: Mapping[str, str | None]) -> str:
    """``ed-1  LCJP-MV7 mv7-outcomes 2021-04 to 2021-04: published, provisional, revises ed-0``."""
    named = f"{one['edition']}  {one['reference']} {one['release']} {one['from']} to {one['to']}: {one['state']}"
    more = [str(one["status"] or ""), f"revises {one['revises']}" if one["revises"] else "", str(one["because"] or "")]
    return ", ".join([named, *filter(None, more)])
