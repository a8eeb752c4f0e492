"""When each client was last heard of, and which periods were noted as late."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Nobody was watched before: whoever has a client key counts as heard of now, not as silent since ever.
_BEGIN = "INSERT INTO clients_heard (client, heard_at) SELECT DISTINCT owner, :now FROM keys WHERE role = 'client' AND revoked_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "clients_heard",
        sa.Column("client", sa.String(length=80), nullable=False),
        sa.Column("heard_at", sa.DateTime(), nullable=True),
        sa.Column("silent_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("client", name=op.f("pk_clients_heard")),
    )
    op.create_table(
        "overdue_periods",
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("dataset", sa.String(length=80), nullable=False),
        sa.Column("supplier", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", "dataset", "supplier", "period", name=op.f("pk_overdue_periods")),
    )
    begin = sa.text(_BEGIN).bindparams(sa.bindparam("now", datetime.now(UTC).replace(tzinfo=None), sa.DateTime()))
    op.get_bind().execute(begin)


def downgrade() -> None:
    op.drop_table("overdue_periods")
    op.drop_table("clients_heard")
