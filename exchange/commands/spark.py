"""``exchange spark``: this host's part of a Spark cluster, for agreements that one machine is too small for (docs/scale.md)."""

import os

import click

from exchange.commands.shared import config_path
from exchange.releases.spark_hosts import program
from exchange.settings import read_settings


@click.group()
def spark() -> None:
    """Run this host's part of the Spark cluster that the settings name."""


@spark.command()
@click.pass_context
def master(context: click.Context) -> None:
    """Hand out work to the cluster's workers, until stopped."""
    _become(context, "master")


@spark.command()
@click.pass_context
def worker(context: click.Context) -> None:
    """Work for the cluster's master, until stopped; rows are opened by this host's own settings."""
    _become(context, "worker")


def _become(context: click.Context, kind: str) -> None:
    """This process becomes Spark's, so that who started it holds it."""
    file = config_path(context.obj["config"])
    found = program(read_settings(file), file, kind)
    os.execve(found.arguments[0], found.arguments, found.environment)
