"""An object that is not there, for someone who may not list its bucket.

AWS: GetObject and HeadObject of an object that is not there answer 404 to those with s3:ListBucket on the bucket, and
403 to all others (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, .../API_HeadObject.html). The
request has no `s3:prefix`, so that a permission with a condition on it does not help.

ministack 1.5.33: answers 404 to everybody.

Changed: it answers 403, with AUTH=true.
"""

import functools
from collections.abc import Callable

from ministack.services import s3

from .patching import original
from .permissions import caller, caller_may


def apply() -> None:
    s3._get_object = told_apart(original(s3, "_get_object", "64ad7071ef0ec45a"))
    s3._head_object = told_apart(original(s3, "_head_object", "369c3a8482eadb36"))


def told_apart(read: Callable) -> Callable:
    # `wraps` leaves the source to be seen by other corrections of the same function.
    @functools.wraps(read)
    def answer(bucket, key, headers=None, query_params=None, *arguments, **options):
        answered = read(bucket, key, headers or {}, query_params, *arguments, **options)
        is_missing = answered[0] == 404 and bucket in s3._buckets and not s3._qp(query_params or {}, "versionId", "")
        if is_missing and not caller_may(caller(), "s3:ListBucket", f"arn:aws:s3:::{bucket}"):
            return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
        return answered

    return answer
