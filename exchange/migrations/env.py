"""How alembic reaches the hub's database: by the connection it is handed, never by a file of its own."""

from alembic import context

from exchange.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
