"""A range of an older version of an object.

AWS: GetObject takes Range together with VersionId, and answers 206 with that part
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).

ministack 1.5.33: ignores Range when VersionId is given, and answers 200 with the whole object.

Changed: the range is cut out.
"""

from ministack.services import s3

from .patching import original


def apply() -> None:
    get = original(s3, "_get_object", "64ad7071ef0ec45a")

    def get_object(bucket, key, headers, query_params=None, *arguments, **options):
        status, response_headers, body = get(bucket, key, headers, query_params, *arguments, **options)
        if status == 200 and headers.get("range") and s3._qp(query_params or {}, "versionId", ""):
            return part_of(bucket, key, headers["range"], response_headers, body)
        return status, response_headers, body

    s3._get_object = get_object


def part_of(bucket: str, key: str, range_header: str, headers: dict, body: bytes):
    """What ministack itself answers for an object's current version."""
    found = s3._parse_range(range_header, len(body))
    if found is None:
        refused = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
        return 416, refused, s3._xml_body(s3._range_error_xml(bucket, key))
    start, end = found
    # A checksum is that of the whole object.
    kept = {name: value for name, value in headers.items() if not name.lower().startswith("x-amz-checksum")}
    part = body[start : end + 1]
    return 206, kept | {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}, part
