"""Alembic's entry: run the revisions on the connection that `store.migration` hands over, inside its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # SQLite's too: our transactions begin with BEGIN, not with the driver's guess
)
context.run_migrations()
