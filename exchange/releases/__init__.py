"""Releases: from held rows to published tables."""
