"""Alembic's entry point, which runs the migrations on the connection that `schema.migrate` passes."""

from alembic import context

from bot.storage.engine import SCHEMA_NAME
from bot.storage.tables import metadata

connection = context.config.attributes["connection"]
schema = SCHEMA_NAME if connection.dialect.name == "postgresql" else None
context.configure(connection=connection, target_metadata=metadata, version_table_schema=schema)
context.run_migrations()
