"""Changes of the tables, by Alembic. Run at each start."""
