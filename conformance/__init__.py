"""The conformance kit: test vectors, a black-box suite for hubs, and a judge for clients. How to use it: docs/building-against.md.

It speaks to a hub over HTTP alone, and knows of the exchange what ``docs/api.md`` and ``docs/formats.md`` say. Of the code it uses the reference
implementation of those formats (``keys/``), and nothing of the hub or of the agency's client.
"""
