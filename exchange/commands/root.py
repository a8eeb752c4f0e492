"""The command line's root: which command stands where."""

import click

from exchange.commands.lazy import Commands
from exchange.version import code_version

ELSEWHERE = {
    "advise": "exchange.disclosure.commands.advising:advise_command",
    "agreement": "exchange.commands.agreement:agreement",
    "attack": "exchange.disclosure.commands.attacking:attack_command",
    "backup": "exchange.commands.backup:backup",
    "dataset-token": "exchange.commands.dataset_token:dataset_token",
    "framework": "exchange.commands.framework:framework",
    "init": "exchange.commands.init:init",
    "keys": "exchange.commands.keys:keys",
    "linkage": "exchange.commands.linkage:linkage",
    "log": "exchange.commands.log:log",
    "measure": "exchange.commands.measure:measure",
    "notify": "exchange.commands.notify:notify",
    "partner": "exchange.commands.partner:partner",
    "person": "exchange.commands.person:person",
    "protect": "exchange.disclosure.commands.protecting:protect_command",
    "release": "exchange.commands.release:release",
    "restore": "exchange.commands.backup:restore",
    "retention": "exchange.commands.retention:retention",
    "serve": "exchange.commands.serving:serve",
    "spark": "exchange.commands.spark:spark",
    "status": "exchange.commands.status:status",
    "worker": "exchange.commands.serving:worker",
}


@click.group(cls=Commands, elsewhere=ELSEWHERE, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="the hub's settings (default: EXCHANGE_CONFIG, else hub.toml here)")
@click.option("--json", "as_json", is_flag=True, help="results as JSON")
@click.version_option(code_version(), prog_name="exchange")
@click.pass_context
def cli(context: click.Context, config: str | None, as_json: bool) -> None:  # noqa: FBT001  # click passes flags so
    """The information-sharing hub: nothing moves unless an agreement, signed by every party, says so."""
    context.obj = {"config": config, "json": as_json}
