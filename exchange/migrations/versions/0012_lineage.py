"""A submission knows its place in the line of its period, what superseded it, what it repeats, and how many sealed bytes it announces."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Of one series; those refused or destroyed may be among them, which leaves gaps in the numbers and their order as it is.
_PLACES = """
UPDATE submissions SET place = (
    SELECT count(*) FROM submissions AS other
    WHERE other.reference = submissions.reference AND other.dataset = submissions.dataset
      AND other.supplier = submissions.supplier AND other.period = submissions.period
      AND (other.decided_at < submissions.decided_at OR (other.decided_at = submissions.decided_at AND other.id <= submissions.id))
) WHERE decided_at IS NOT NULL AND state IN ('held', 'superseded', 'disposing', 'disposed')
"""
_SUCCESSORS = """
UPDATE submissions SET superseded_by = (
    SELECT max(other.id) FROM submissions AS other
    WHERE other.after = submissions.id AND other.decided_at IS NOT NULL AND other.state IN ('held', 'superseded')
) WHERE state = 'superseded'
"""


def upgrade() -> None:
    op.add_column("submissions", sa.Column("place", sa.Integer(), nullable=True))
    op.add_column("submissions", sa.Column("superseded_by", sa.String(length=40), nullable=True))
    op.add_column("submissions", sa.Column("repeats", sa.String(length=40), nullable=True))
    op.add_column("submissions", sa.Column("sealed_bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(_PLACES)
    op.execute(_SUCCESSORS)


def downgrade() -> None:
    for name in ("sealed_bytes", "repeats", "superseded_by", "place"):
        op.drop_column("submissions", name)
