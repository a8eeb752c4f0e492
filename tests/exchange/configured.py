"""A test's hub as the command line reaches it: by a settings file."""

from pathlib import Path

from exchange.settings import Settings
from tests.exchange.standing import World


def configured(world: World, **more: object) -> Path:
    """A settings file of this hub in its folder: none that anybody would accept where its keystore is in a bucket."""
    path = world.folder / "hub.toml"
    said = {name: value for name, value in vars(world.hub.settings).items() if value != getattr(Settings, name, None) and value is not None}
    lines = [f"{name} = {value}" if isinstance(value, int | float) else f'{name} = "{value}"' for name, value in (said | more).items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
