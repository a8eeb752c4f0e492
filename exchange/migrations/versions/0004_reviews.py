"""What each reviewer has checked of a version."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("agreement", sa.String(length=80), nullable=False),
        sa.Column("section", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreements.digest"], name=op.f("fk_reviews_agreement")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_reviews_person")),
        sa.PrimaryKeyConstraint("person", "agreement", "section", name=op.f("pk_reviews")),
    )


def downgrade() -> None:
    op.drop_table("reviews")
