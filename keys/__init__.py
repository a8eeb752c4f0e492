"""How shared data is protected: formats, signatures, sealing, pseudonyms, proofs and the keystore.

Imports nothing of ours, and is the only room that imports `cryptography`. `docs/formats.md` says what every byte means.
"""
