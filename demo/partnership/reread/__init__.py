"""What the agencies delivered, read once more from their own native files, without the hub, the adapters' reading code, or a pseudonym.

Shared with the adapters are their declarations alone, as `docs/sources.md` prints them (headers, codes, positions), and the list of short forms of names.
"""
