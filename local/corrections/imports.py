"""ImportTable takes a while.

AWS: an import is IN_PROGRESS for minutes at least, and DescribeImport tells how far it is
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Requesting.html).

ministack 1.5.33: one of a few rows is over after a second, before anyone looks.

Changed: it takes fifteen seconds at least, so that whoever follows an import has to.
"""

from ministack.services import dynamodb

from .patching import original

SECONDS = 15.0


def apply() -> None:
    # It waits for so long before it reads what is imported.
    original(dynamodb, "_run_import", "3039aae86cbcc0a9")
    dynamodb._IMPORT_COMPLETE_AFTER_SEC = SECONDS
