"""Notices: that something happened, to whoever asked to be told, and never what."""
