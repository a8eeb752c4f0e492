"""Lives of editions: what revises what and why, why a draft was dropped, withdrawal; and editions that could not be drafted on their day."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("editions", sa.Column("revises", sa.String(length=40), nullable=True))
    op.add_column("editions", sa.Column("reason", sa.String(length=500), nullable=True))
    op.add_column("editions", sa.Column("ended", sa.String(length=500), nullable=True))
    op.add_column("editions", sa.Column("overrides", sa.JSON(), nullable=True))
    op.add_column("editions", sa.Column("withdrawn_at", sa.DateTime(), nullable=True))
    op.add_column("editions", sa.Column("withdrawal", sa.JSON(), nullable=True))
    op.create_table(
        "undrafted_editions",
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("release", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("tried_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", "release", "period", name=op.f("pk_undrafted_editions")),
    )


def downgrade() -> None:
    withdrawn = op.get_bind().execute(sa.text("SELECT count(*) FROM editions WHERE state = 'withdrawn'")).scalar_one()
    if withdrawn:
        # The code before knows no such state, and would either give them out again or take them for drafts.
        raise RuntimeError("editions are withdrawn, which the schema before this one has no words for")
    op.drop_table("undrafted_editions")
    for name in ("withdrawal", "withdrawn_at", "overrides", "ended", "reason", "revises"):
        op.drop_column("editions", name)  # where they stand: other tables refer to this one
