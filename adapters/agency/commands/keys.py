"""``exchange-agency keys issue | accept``: the ceremony of the linkage secret; ``keys witness``: a key that ``init`` did not yet make."""

import click

from adapters.agency.agreements_store import Verified
from adapters.agency.commands.common import Context, common
from adapters.agency.commands.init import key_and_card
from adapters.agency.contract import Linkage, fetch, needs_linkage
from adapters.agency.linkage import accept as accept_secret
from adapters.agency.linkage import issue as issue_secret
from adapters.agency.linkage import suppliers
from adapters.agency.lock import only_run
from adapters.agency.run import Run
from adapters.agency.session import Agency
from adapters.errors import AgreementRefused, ConfigError


@click.group()
def keys() -> None:
    """The linkage secret, by which suppliers' pseudonyms join, and the witness key"""


@keys.command()
@click.argument("reference")
@click.option("--epoch", type=click.IntRange(1, 9999), help="A new epoch, after the secret was compromised or a party left.")
@common
def issue(context: Context, reference: str, epoch: int | None) -> None:
    """Make the linkage secret of an agreement and seal it to each other supplier"""
    agency = context.agency()
    with only_run(agency.settings.home):
        run = Run(agency, agency.client())
        verified, fixed = _ceremony(run, reference)
        number = epoch or (fixed.epoch if fixed else 1)
        sent = issue_secret(run.client, verified, agency.secrets, agency.manifest_key, fixed, number)
    context.console.line(f"The linkage secret of {reference}, epoch {number}, is sealed to: {', '.join(sent)}.")
    context.console.say(f"Next: each of them runs  exchange-agency keys accept {reference}")
    context.console.result(reference=reference, epoch=number, sealed_to=sent)


@keys.command()
@click.argument("reference")
@common
def accept(context: Context, reference: str) -> None:
    """Take the linkage secret that another supplier sealed to us"""
    agency = context.agency()
    with only_run(agency.settings.home):
        run = Run(agency, agency.client())
        verified, fixed = _ceremony(run, reference)
        taken = accept_secret(run.client, verified, agency.secrets, agency.encryption_key, fixed)
    context.console.line(f"The linkage secret of {reference}, epoch {taken.epoch}, is here. Key check value {taken.key_check}.")
    context.console.say("Next:  exchange-agency push DATASET FILE --period PERIOD")
    context.console.result(reference=reference, epoch=taken.epoch, key_check=taken.key_check)


@keys.command()
@common
def witness(context: Context) -> None:
    """Make the key that cosigns heads of the hub's log, and its card, where init made none"""
    made = key_and_card(context.home, context.agency().settings.party, "witness")
    context.console.line(f"{made.owner}/{made.role}: {made.fingerprint}")
    context.console.say(f"Next: give the card in {context.home / 'cards'} to the operator; the next version of the agreement names it.")
    context.console.result(cards={made.role: made.fingerprint})


def _ceremony(run: Run, reference: str) -> tuple[Verified, Linkage | None]:
    """The verified agreement, and the epoch that the hub knows."""
    [verified] = run.verified(reference)
    _holds_our_keys(run.agency, verified)
    agreement = verified.agreement
    for dataset in agreement.datasets:
        if run.party in dataset.suppliers and needs_linkage(dataset):
            return verified, fetch(run.client, verified, dataset, run.now()).linkage
    raise AgreementRefused("No dataset that we supply holds pseudonyms.", why=f"{agreement.clause('datasets')}.")


def _holds_our_keys(agency: Agency, verified: Verified) -> None:
    """Refuse to begin with keys that the agreement does not name: partners would seal to a key that nobody here has."""
    party = next((found for found in suppliers(verified.agreement) if found.id == agency.settings.party), None)
    if party is None or party.keys is None:
        raise AgreementRefused("Only suppliers hold the linkage secret.", why=f"{verified.agreement.clause('datasets', 'suppliers')}.")
    ours = {"manifest": agency.manifest_key.public.fingerprint, "encryption": agency.encryption_key.fingerprint}
    named = {"manifest": party.keys.manifest, "encryption": party.keys.encryption}
    for role, fingerprint in ours.items():
        if fingerprint != named[role]:
            raise ConfigError(
                f"The {role} key here is not the one that the agreement names.",
                why=f"{verified.agreement.clause('parties', party.id)}: {named[role]}; here {fingerprint}.",
                remedy=f"Set keys.{role} in agency.toml to the file of the key that was agreed.",
            )
