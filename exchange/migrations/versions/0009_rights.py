"""Requests about a person's rows."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submissions", sa.Column("erased_rows", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("submissions", sa.Column("held_digest", sa.String(length=80), nullable=True))
    op.add_column("submissions", sa.Column("never_again", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "rights_requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("asked", sa.String(length=80), nullable=False),
        sa.Column("supplier", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("agreement", sa.String(length=80), nullable=False),
        sa.Column("right", sa.String(length=20), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreements.digest"], name=op.f("fk_rights_requests_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_requests")),
    )
    op.create_index("ix_rights_requests_supplier", "rights_requests", ["reference", "supplier"])
    op.create_table(
        "replaced_keys",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("submission", sa.String(length=40), nullable=False),
        sa.Column("request", sa.String(length=32), nullable=False),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["rights_requests.id"], name=op.f("fk_replaced_keys_request")),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name=op.f("fk_replaced_keys_submission")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_replaced_keys")),
    )
    op.create_index(op.f("ix_replaced_keys_submission"), "replaced_keys", ["submission"])


def downgrade() -> None:
    op.drop_table("replaced_keys")
    op.drop_table("rights_requests")
    for column in ("never_again", "held_digest", "erased_rows"):
        op.drop_column("submissions", column)
