"""The SQLite backend (`base`)."""
