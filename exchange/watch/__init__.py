"""Watching over the hub: what is the matter, in plain words, and the figures of it."""
