"""What the emulator does otherwise than AWS, put right: one module for each deviation.

Every module's docstring says what AWS does and where AWS says so, what ministack does, and what is
changed. `apply` fails when ministack is not the one that a correction was written for.
"""

from . import (
    athena_sql,
    athena_tables,
    backups,
    deletions,
    exports,
    imports,
    message_moves,
    object_events,
    object_versions,
    query_results,
    queue_mappings,
    recovery,
    request_permissions,
    schedules,
    stream_access,
    stream_mappings,
    stream_records,
    time_to_live,
)

ALL = (
    request_permissions,
    stream_records,
    time_to_live,
    stream_access,
    stream_mappings,
    queue_mappings,
    message_moves,
    recovery,
    exports,
    imports,
    deletions,
    backups,
    schedules,
    object_events,
    object_versions,
    query_results,
    athena_sql,
    athena_tables,
)


def apply() -> None:
    """Corrects the emulator in this process. Has to come before it serves its first request."""
    for correction in ALL:
        correction.apply()
