"""Alembic's migrations, which create the tables when there are none."""
