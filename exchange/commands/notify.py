"""``exchange notify``: who is told that something happened, and by which way. What happened, nobody is told by it."""

from typing import Any

import click

from exchange.commands.shared import OPERATOR, hub_of, say
from exchange.db import reading, writing
from exchange.errors import Misconfigured, Unavailable
from exchange.hub import Hub
from exchange.notify import hook, outbox, subscriptions
from exchange.notify.kinds import CHOICES, OF_THE_HUB, Kind
from exchange.notify.message import Notice
from exchange.notify.sending import FAILURES, send
from exchange.notify.subscriptions import Wanted, Way
from exchange.notify.tables import SubscriptionRow
from exchange.notify.ways import Webhooks, read_ways
from exchange.times import rfc3339


@click.group()
def notify() -> None:
    """Who is told that something happened: by e-mail or webhook, and never what."""


@notify.command()
@click.option("--party", required=True, help="the organisation that is told: of agreements it is a party to, and of nothing else")
@click.option("--mail", help="e-mail address")
@click.option("--webhook", help="https address, of a host on the list in the notices' settings")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in CHOICES]),
    help="what of (default: all that is not about the hub itself)",
)
@click.option("--named", is_flag=True, help="with the agreement's reference; without, the message says no more than the kind")
@click.pass_context
def add(context: click.Context, /, party: str, mail: str | None, webhook: str | None, *, kinds: tuple[str, ...], named: bool) -> None:
    """Tell somebody from now on. For a webhook a secret is made, in a file that its receiver must be handed."""
    if (mail is None) == (webhook is None):
        raise click.UsageError("give --mail or --webhook.")
    hub = hub_of(context)
    ways = read_ways(hub.settings.notices)
    way = Way.MAIL if mail else Way.WEBHOOK
    if (ways.mail if mail else ways.webhooks) is None:
        raise Misconfigured(f"no way for notices by {way} is set up.", remedy="See the setting notices, and docs/operating.md.")
    if webhook and ways.webhooks:
        ways.webhooks.require(webhook)
    wanted = kinds or tuple(kind for kind in CHOICES if kind not in OF_THE_HUB)
    with writing(hub.engine) as session:
        row = subscriptions.add(session, Wanted(party, way, mail or webhook or "", wanted, named), OPERATOR, hub.clock())
    lines = [f"{row.id}: {party} is told by {way}."]
    if ways.webhooks and webhook:
        lines.append(f"Its secret, to be handed to the receiver: {hook.renew(ways.webhooks, row.id, keep=False)}")
    say(context, _document(row), *lines, f"Try it: exchange notify test {row.id}")


@notify.command("list")
@click.pass_context
def every(context: click.Context) -> None:
    """Who is told of what, and what waits or could not be delivered."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        rows = subscriptions.every(session)
        waits, lost = outbox.waiting(session), outbox.given_up(session)
    lines = [f"{row.id}: {row.party}, {row.way} {row.address}: {', '.join(row.kinds)}" for row in rows] or ["Nobody is told of anything."]
    document: dict[str, Any] = {"subscriptions": [_document(row) for row in rows], "waiting": waits, "given_up": lost}
    say(context, document, *lines, f"{waits} notice(s) waiting, {lost} given up")


@notify.command()
@click.argument("subscription")
@click.pass_context
def remove(context: click.Context, subscription: str) -> None:
    """Tell no more."""
    hub = hub_of(context)
    ways = read_ways(hub.settings.notices)
    with writing(hub.engine) as session:
        row = subscriptions.end(session, subscription, OPERATOR, hub.clock())
    if ways.webhooks and row.way == Way.WEBHOOK:
        hook.forget(ways.webhooks, row.id)
    say(context, _document(row), f"{row.id}: {row.party} is told no more.")


@notify.command()
@click.argument("subscription")
@click.option("--drop-old", is_flag=True, help="the old secret signs no more (default: both sign, until the next rotation)")
@click.pass_context
def rotate(context: click.Context, subscription: str, *, drop_old: bool) -> None:
    """Give a webhook a new secret. Until the old one is dropped, every message carries a signature of each."""
    row, ways = _webhook(hub_of(context), subscription)
    place = hook.renew(ways, row.id, keep=not drop_old)
    say(context, {"id": row.id, "secret_file": str(place)}, f"The new secret is the first line of {place}; hand it to the receiver.")


@notify.command()
@click.argument("subscription")
@click.pass_context
def test(context: click.Context, subscription: str) -> None:
    """Send a notice that nothing happened, now, and say how it went."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        row = subscriptions.find(session, subscription)
    now = hub.clock()
    notice = Notice(outbox.identity_of(row.id, f"test {now.isoformat()}"), Kind.TEST, "", now, hub.settings.public_url)
    try:
        send(read_ways(hub.settings.notices), Way(row.way), row.address, row.id, notice, now)
    except Misconfigured:
        raise
    except FAILURES as error:
        why = str(error) if isinstance(error, hook.NotTakenError) else type(error).__name__
        raise Unavailable(f"the notice was not delivered: {why}.", remedy="Look at the address, the server and the settings.") from error
    say(context, {"id": notice.id, "delivered": rfc3339(now)}, "Delivered.")


def _webhook(hub: Hub, subscription: str) -> tuple[SubscriptionRow, Webhooks]:
    with reading(hub.engine) as session:
        row = subscriptions.find(session, subscription)
    ways = read_ways(hub.settings.notices).webhooks
    if row.way != Way.WEBHOOK or ways is None:
        raise Misconfigured("only a webhook has a secret, where webhooks are set up.", remedy="See: exchange notify list")
    return row, ways


def _document(row: SubscriptionRow) -> dict[str, Any]:
    return {"id": row.id, "party": row.party, "way": row.way, "address": row.address, "kinds": row.kinds, "named": row.named}
