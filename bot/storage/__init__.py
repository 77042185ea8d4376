"""The database, which is SQLite by default, or PostgreSQL if several machines share it."""
