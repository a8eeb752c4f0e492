"""Searching the log: who, what, what about and for whom stand in columns of their own, and refusals that repeat are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = ("who", "what", "subject", "recipient")
_INDEXED = ("who", "subject", "recipient", "at")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("log_entries", sa.Column(name, sa.String(length=200), nullable=False, server_default=""))
    inside = "entry ->> '{0}'" if op.get_bind().dialect.name == "postgresql" else "json_extract(entry, '$.{0}')"
    found = ", ".join(f"{name} = coalesce(substr({inside.format(name)}, 1, 200), '')" for name in _COLUMNS)
    op.execute(f"UPDATE log_entries SET {found} WHERE salt IS NOT NULL")  # noqa: S608  # names of ours alone
    for name in _INDEXED:
        op.create_index(f"ix_log_entries_{name}", "log_entries", [name])
    op.drop_index("ix_log_entries_organisation", "log_entries")
    op.create_index("ix_log_entries_organisation_number", "log_entries", ["organisation", "number"])
    op.create_table(
        "log_repeats",
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("why", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=80), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("who", "subject", "why", name="pk_log_repeats"),
    )


def downgrade() -> None:
    op.drop_table("log_repeats")
    op.drop_index("ix_log_entries_organisation_number", "log_entries")
    op.create_index("ix_log_entries_organisation", "log_entries", ["organisation"])
    for name in _INDEXED:
        op.drop_index(f"ix_log_entries_{name}", "log_entries")
    for name in _COLUMNS:
        op.drop_column("log_entries", name)
