"""Exact counts of editions and the proof of their protection, sealed, each under a key of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
_LEFT = "SELECT count(*) FROM kept_counts WHERE destroyed_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "kept_counts",
        sa.Column("edition", sa.String(length=40), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("because", sa.String(length=200), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["edition"], ["editions.id"], name=op.f("fk_kept_counts_edition")),
        sa.PrimaryKeyConstraint("edition", "what", name=op.f("pk_kept_counts")),
    )


def downgrade() -> None:
    if op.get_bind().execute(sa.text(_LEFT)).scalar_one():
        raise RuntimeError(
            "exact counts of editions are kept whose keys nothing would destroy any more: the schema before this one knows of none."
        )
    op.drop_table("kept_counts")
