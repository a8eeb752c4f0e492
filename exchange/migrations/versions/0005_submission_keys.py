"""A submission names its key, which is another one after an erasure."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Never in batch mode: SQLite would drop the table under the rows that refer to it. A column with a default needs none.
    op.add_column("submissions", sa.Column("key", sa.String(length=80), nullable=False, server_default=""))
    op.execute("UPDATE submissions SET key = 'submission/' || id")


def downgrade() -> None:
    op.drop_column("submissions", "key")
