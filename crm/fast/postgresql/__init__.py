"""The PostgreSQL backend that `FAST` chooses: `base`."""
