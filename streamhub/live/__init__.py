"""Stage three, what is on air: ingest doors, live platforms and the marks of what was shown when."""
