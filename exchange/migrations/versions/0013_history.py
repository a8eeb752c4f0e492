"""A population may have been published in several editions: each of them takes it once."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE, _LATER = "published_populations", "published_populations_later"
_ASIDE = """
INSERT INTO published_populations_later (id, adapter, supplier, period, edition)
SELECT id, adapter, supplier, period, edition FROM published_populations
"""
# Numbers are left out: a database that counts them itself goes on counting where it is.
_BACK = """
INSERT INTO published_populations (adapter, supplier, period, edition)
SELECT adapter, supplier, period, edition FROM published_populations_later ORDER BY id
"""
_SEVERAL = "SELECT count(*) FROM (SELECT 1 FROM published_populations GROUP BY adapter, supplier, period HAVING count(*) > 1) AS several"


def upgrade() -> None:
    _replace("adapter", "supplier", "period", "edition")


def downgrade() -> None:
    if op.get_bind().execute(sa.text(_SEVERAL)).scalar_one():
        raise RuntimeError("a population has been published in several editions: the schema before this one admits one.")
    _replace("adapter", "supplier", "period")


def _replace(*once: str) -> None:
    """The table anew, with another constraint: nothing refers to it, and SQLite cannot change a constraint in place."""
    op.create_table(
        _LATER,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("adapter", sa.String(length=80), nullable=False),
        sa.Column("supplier", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("edition", sa.String(length=40), nullable=False),
    )
    op.execute(_ASIDE)
    op.drop_table(_TABLE)
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("adapter", sa.String(length=80), nullable=False),
        sa.Column("supplier", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("edition", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["edition"], ["editions.id"], name=op.f("fk_published_populations_edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_populations")),
        sa.UniqueConstraint(*once, name=op.f(f"uq_published_populations_{'_'.join(once)}")),
    )
    op.execute(_BACK)
    op.drop_table(_LATER)
