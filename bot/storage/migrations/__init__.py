"""Alembic's migrations of the tables. Run at each start."""
