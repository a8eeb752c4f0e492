"""The disclosure engine from the shell: `exchange protect`, `exchange attack`."""

from exchange.disclosure.commands.attacking import attack_command
from exchange.disclosure.commands.protecting import protect_command

__all__ = ["attack_command", "protect_command"]
