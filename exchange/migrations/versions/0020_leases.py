"""Leases: which worker is at which submission."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("submission", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=True),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("free_at", sa.DateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        # With the submission, so that a release that knows no leases can go on removing submissions beside this schema.
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name=op.f("fk_leases_submission"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("submission", name=op.f("pk_leases")),
    )


def downgrade() -> None:
    op.drop_table("leases")
