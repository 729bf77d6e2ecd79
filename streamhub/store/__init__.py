"""The hub's data in SQLite: one writer, numbered migrations, one file per family of rows."""
