"""The disclosure engine from the shell: `exchange protect`, `exchange attack`, `exchange advise`."""

from exchange.disclosure.commands.advising import advise_command
from exchange.disclosure.commands.attacking import attack_command
from exchange.disclosure.commands.protecting import protect_command

__all__ = ["advise_command", "attack_command", "protect_command"]
