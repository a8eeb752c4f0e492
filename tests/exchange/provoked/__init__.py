"""Scenes that make the hub refuse, each way it can at each operation: what the served OpenAPI shows as examples is what it answers here."""
