"""The WSGI entry point: settings from the file that EXCHANGE_CONFIG names."""

import os
from pathlib import Path

from exchange.app import create_app
from exchange.settings import read_settings

app = create_app(read_settings(Path(os.environ.get("EXCHANGE_CONFIG", "hub.toml"))))
