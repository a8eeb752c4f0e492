"""An invented partnership: dated events from a seed, and from them the extracts that every agency would send. ``docs/synthesis.md``.

Nothing here knows a measure: processes have rates and dates, and what a release counts follows from them.
"""
