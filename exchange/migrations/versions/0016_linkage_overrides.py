"""Overrides of a linkage: pairs of re-keyed pseudonyms, wrapped under a key that falls with the agreement's epochs."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "linkage_overrides",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("supplier", sa.String(length=80), nullable=False),
        sa.Column("request", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("placed_at", sa.DateTime(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_overrides")),
        sa.UniqueConstraint("request", name=op.f("uq_linkage_overrides_request")),
    )
    op.create_index("ix_linkage_overrides_reference", "linkage_overrides", ["reference"])


def downgrade() -> None:
    op.drop_index("ix_linkage_overrides_reference", table_name="linkage_overrides")
    op.drop_table("linkage_overrides")
