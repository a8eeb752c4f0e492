"""What may be shared: agreements as values, and the questions asked of them.

Pure. Imports nothing else of ours: signatures are checked and identifiers pseudonymised by functions passed in.
"""
