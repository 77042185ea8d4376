"""Alembic's way in: it migrates the connection that `engine.migrate` hands it."""

from alembic import context

from bot.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
