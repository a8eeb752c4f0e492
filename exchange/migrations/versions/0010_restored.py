"""What a restore brought back, and what it lost."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("replayed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
    )
    op.create_table(
        "lost_submissions",
        sa.Column("submission", sa.String(length=40), nullable=False),
        sa.Column("upload", sa.String(length=32), nullable=False),
        sa.Column("supplier", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("dataset", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("had", sa.String(length=40), nullable=False),
        sa.Column("lost_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("submission", name=op.f("pk_lost_submissions")),
    )
    op.create_index(op.f("ix_lost_submissions_supplier"), "lost_submissions", ["supplier"])


def downgrade() -> None:
    op.drop_index(op.f("ix_lost_submissions_supplier"), "lost_submissions")
    op.drop_table("lost_submissions")
    op.drop_table("restores")
