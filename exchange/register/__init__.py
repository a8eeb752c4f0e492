"""The register: who takes part, which agreements there are, where each stands, and the linkage envelopes it relays."""
