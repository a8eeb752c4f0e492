"""The disclosure engine from the shell: `exchange protect`, `exchange attack`, `exchange advise`. Each is loaded by itself."""
