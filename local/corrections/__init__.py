"""What the emulator does otherwise than AWS, put right: one module for each deviation.

Every module's docstring says what AWS does and where AWS says so, what ministack does, and what is
changed. `apply` fails when ministack is not the one that a correction was written for.
"""

from . import (
    async_failures,
    athena_sql,
    athena_tables,
    backups,
    deletions,
    exports,
    import_access,
    imports,
    missing_objects,
    message_moves,
    object_events,
    object_versions,
    query_access,
    query_results,
    queue_mappings,
    recovery,
    request_permissions,
    schedules,
    source_access,
    stream_mappings,
    stream_records,
    table_changes,
    time_to_live,
)

ALL = (
    request_permissions,
    stream_records,
    time_to_live,
    source_access,
    stream_mappings,
    queue_mappings,
    async_failures,
    message_moves,
    recovery,
    exports,
    imports,
    import_access,
    deletions,
    table_changes,
    backups,
    schedules,
    object_events,
    missing_objects,
    object_versions,
    query_access,
    query_results,
    athena_sql,
    athena_tables,
)


def apply() -> None:
    """Corrects the emulator in this process. Has to come before it serves its first request."""
    for correction in ALL:
        correction.apply()
