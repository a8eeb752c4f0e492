"""One file a command (or group of commands) of ``exchange-agency``: parse, ask, call one story, render."""
