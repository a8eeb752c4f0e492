"""Every table of the hub, for migrations: importing this module fills the metadata."""

from exchange.db import Base
from exchange.framework import tables as framework_tables
from exchange.log import tables as log_tables
from exchange.log import witnesses as witness_tables
from exchange.notify import tables as notice_tables
from exchange.people import reviews as review_tables
from exchange.people import tables as people_tables
from exchange.register import dataset_token_tables
from exchange.register import tables as register_tables
from exchange.releases import overrides_tables
from exchange.releases import tables as release_tables
from exchange.submissions import attendance_tables, rights_tables
from exchange.submissions import restored as restored_tables
from exchange.submissions import tables as submission_tables
from exchange.watch import request_tables
from exchange.watch import tables as watch_tables

MODULES = (
    *(log_tables, witness_tables, register_tables, dataset_token_tables, people_tables, review_tables),
    *(submission_tables, attendance_tables, restored_tables, rights_tables, release_tables, overrides_tables),
    *(framework_tables, watch_tables, request_tables, notice_tables),
)
METADATA = Base.metadata
