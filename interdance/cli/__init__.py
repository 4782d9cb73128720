"""The command ``interdance``: parses, calls, prints. Nothing is decided here."""
