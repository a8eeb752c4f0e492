"""The performance framework: targets of the board, and figures of the national baseline."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "measure_targets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("measure", sa.String(length=10), nullable=False),
        sa.Column("figure", sa.String(length=80), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=True),
        sa.Column("by", sa.Date(), nullable=True),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("decided", sa.String(length=500), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("set_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_measure_targets_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measure_targets")),
    )
    op.create_index("ix_measure_targets_measure_figure", "measure_targets", ["measure", "figure"])
    op.create_table(
        "national_figures",
        sa.Column("publication", sa.String(length=120), nullable=False),
        sa.Column("measure", sa.String(length=200), nullable=False),
        sa.Column("area", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("period", sa.String(length=80), nullable=False),
        sa.Column("definition", sa.String(length=200), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=True),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("marker", sa.String(length=20), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_national_figures_person")),
        sa.PrimaryKeyConstraint("publication", "measure", "area", "category", "period", name=op.f("pk_national_figures")),
    )


def downgrade() -> None:
    op.drop_table("national_figures")
    op.drop_index("ix_measure_targets_measure_figure", table_name="measure_targets")
    op.drop_table("measure_targets")
