"""Suspensions of one dataset, reminders of reviews, linkage epochs that end with their agreement."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_DIGEST = sa.String(length=80)


def upgrade() -> None:
    suspensions("agreement", "party", "dataset")
    op.create_table(
        "reminders",
        sa.Column("agreement", _DIGEST, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreements.digest"], name=op.f("fk_reminders_agreement")),
        sa.PrimaryKeyConstraint("agreement", "day", name=op.f("pk_reminders")),
    )
    with op.batch_alter_table("linkage_epochs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retired_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("linkage_epochs", schema=None) as batch_op:
        batch_op.drop_column("retired_at")
    op.drop_table("reminders")
    suspensions("agreement", "party")


def suspensions(*key: str) -> None:
    """The table again with another primary key. Back again only while no dataset is suspended by itself: no stop is lost on the way.

    A handful of rows, written again by hand: the same on every engine, for no two of them change a primary key alike.
    """
    connection = op.get_bind()
    was = sa.table("suspensions", sa.column("agreement"), sa.column("party"), sa.column("dataset"), sa.column("since", sa.DateTime()))
    if "dataset" in key:
        found = [{**row, "dataset": ""} for row in connection.execute(sa.select(was.c.agreement, was.c.party, was.c.since)).mappings()]
    else:
        if connection.execute(sa.select(was.c.party).where(was.c.dataset != "")).first():
            raise RuntimeError("a dataset is suspended by itself: resume it, or suspend the agreement, before going back.")
        found = [dict(row) for row in connection.execute(sa.select(was.c.agreement, was.c.party, was.c.since)).mappings()]
    op.drop_table("suspensions")
    named = [sa.Column(name, _DIGEST, nullable=False) for name in key]
    table = op.create_table(
        "suspensions",
        *named,
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreements.digest"], name=op.f("fk_suspensions_agreement")),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_suspensions")),
    )
    if found:
        op.bulk_insert(table, found)
