"""The agency's side: reads a native extract, keeps what the agreement names, seals it and sends it. No Flask, no database."""
