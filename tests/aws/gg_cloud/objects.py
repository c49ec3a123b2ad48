"""Buckets and objects of S3 with boto3: what comes back is what was put, and what is wrong is refused."""

import hashlib
import io

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))


def refused(operation, **arguments):
    try:
        getattr(s3, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{operation} was answered")


B = {"Bucket": "bucket"}
s3.create_bucket(**B)
assert refused("create_bucket", **B) == ("BucketAlreadyOwnedByYou", 409)
assert refused("create_bucket", Bucket="Not_A_Bucket") == ("InvalidBucketName", 400)
assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bucket"]
assert s3.get_bucket_location(**B)["LocationConstraint"] is None
s3.head_bucket(**B)
assert refused("head_bucket", Bucket="none")[1] == 404
assert refused("get_object", Bucket="none", Key="a") == ("NoSuchBucket", 404)
assert refused("put_object", Bucket="none", Key="a", Body=b"x" * 2_000_000) == ("NoSuchBucket", 404)
assert refused("get_object", **B, Key="none") == ("NoSuchKey", 404)
assert refused("head_object", **B, Key="none") == ("404", 404)
assert refused("get_bucket_acl", **B) == ("NotImplemented", 501)
assert refused("get_object_tagging", **B, Key="a") == ("NotImplemented", 501)
assert refused("copy_object", **B, Key="a", CopySource="bucket/b") == ("NoSuchKey", 404)

# Keys are kept byte for byte.
KEYS = ["a", "a//b", "a/./b", "../x", "a b+c", "trailing.", "trailing/", "é/ü ~", "%41", "?x&y=z#", "a/b/c", "<&>\"'"]
for key in KEYS:
    body = key.encode() * 3
    put = s3.put_object(**B, Key=key, Body=body, ContentType="text/x", Metadata={"own": "value"})
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(**B, Key=key)
    assert got["Body"].read() == body, key
    assert got["ContentType"] == "text/x" and got["Metadata"] == {"own": "value"}
    assert "ContentEncoding" not in got, got
listed = [entry["Key"] for entry in s3.list_objects_v2(**B)["Contents"]]
assert listed == sorted(KEYS, key=lambda key: key.encode()), listed
pages = s3.get_paginator("list_objects_v2").paginate(**B, Delimiter="/", PaginationConfig={"PageSize": 2})
found = [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])]
assert found == ["../", "a/", "trailing/", "é/"], found
assert s3.list_objects_v2(**B, Prefix="a/", StartAfter="a/./b")["KeyCount"] == 2
assert refused("list_objects_v2", **B, ContinuationToken="x") == ("InvalidArgument", 400)

# Bodies of all lengths, files among them.
for length in (0, 1, 65535, 65536, 65537, 3_000_000):
    body = bytes(i * 7 % 256 for i in range(length))
    s3.put_object(**B, Key="length", Body=io.BytesIO(body))
    assert s3.get_object(**B, Key="length")["Body"].read() == body
for algorithm in ("CRC32", "SHA1", "SHA256"):
    s3.put_object(**B, Key="sum", Body=b"123456789", ChecksumAlgorithm=algorithm)
    s3.get_object(**B, Key="sum")["Body"].read()
assert s3.head_object(**B, Key="sum", ChecksumMode="ENABLED")["ChecksumSHA256"]
wrong = {"ChecksumCRC32": "AAAAAA=="}
assert refused("put_object", **B, Key="sum", Body=b"1", **wrong) == ("BadDigest", 400)
assert refused("put_object", **B, Key="sum", Body=b"1", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==") == ("BadDigest", 400)
assert s3.get_object(**B, Key="sum")["ContentLength"] == 9
s3.put_object(**B, Key="gz", Body=b"x", ContentEncoding="gzip", CacheControl="no-cache")
assert s3.head_object(**B, Key="gz")["ContentEncoding"] == "gzip"

# Ranges and conditions.
s3.put_object(**B, Key="r", Body=b"0123456789")
part = s3.get_object(**B, Key="r", Range="bytes=2-4")
assert part["Body"].read() == b"234" and part["ContentRange"] == "bytes 2-4/10"
assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
assert s3.get_object(**B, Key="r", Range="bytes=-3")["Body"].read() == b"789"
assert refused("get_object", **B, Key="r", Range="bytes=10-") == ("InvalidRange", 416)
head = s3.head_object(**B, Key="r")
etag, modified = head["ETag"], head["LastModified"]
assert refused("get_object", **B, Key="r", IfNoneMatch=etag)[1] == 304
assert refused("get_object", **B, Key="r", IfModifiedSince=modified)[1] == 304
assert refused("get_object", **B, Key="r", IfMatch='"other"') == ("PreconditionFailed", 412)
s3.get_object(**B, Key="r", IfMatch=etag, IfUnmodifiedSince=modified)
assert refused("put_object", **B, Key="r", Body=b"x", IfNoneMatch="*") == ("PreconditionFailed", 412)
s3.put_object(**B, Key="r", Body=b"x", IfMatch=etag)

# A body that its signature covers, piece by piece or as a whole.
signed = boto3.client("s3", config=Config(s3={"payload_signing_enabled": True}))
signed.put_object(**B, Key="signed", Body=b"covered" * 1000)
assert s3.get_object(**B, Key="signed")["ContentLength"] == 7000

# Parts.
upload = s3.create_multipart_upload(**B, Key="m", ContentType="text/m")["UploadId"]
M = {**B, "Key": "m", "UploadId": upload}
large, small = b"l" * 5 * 1024 * 1024, b"s"
tags = {n: s3.upload_part(**M, PartNumber=n, Body=b)["ETag"] for n, b in ((2, small), (1, large))}
parts = lambda *numbers: {"MultipartUpload": {"Parts": [{"PartNumber": n, "ETag": tags[n]} for n in numbers]}}
assert refused("complete_multipart_upload", **M, **parts(2, 1)) == ("InvalidPartOrder", 400)
tags[3] = '"0"'
assert refused("complete_multipart_upload", **M, **parts(1, 3)) == ("InvalidPart", 400)
tags[3] = s3.upload_part(**M, PartNumber=3, Body=small)["ETag"]
assert refused("complete_multipart_upload", **M, **parts(1, 2, 3)) == ("EntityTooSmall", 400)
assert refused("upload_part", **M, PartNumber=10001, Body=small)[1] == 400
done = s3.complete_multipart_upload(**M, **parts(1, 2))
md5s = b"".join(hashlib.md5(part).digest() for part in (large, small))
assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-2"', done
got = s3.get_object(**B, Key="m")
assert got["Body"].read() == large + small and got["ContentType"] == "text/m"
assert refused("upload_part", **M, PartNumber=1, Body=small) == ("NoSuchUpload", 404)
aborted = s3.create_multipart_upload(**B, Key="aborted")["UploadId"]
s3.upload_part(**B, Key="aborted", UploadId=aborted, PartNumber=1, Body=small)
s3.abort_multipart_upload(**B, Key="aborted", UploadId=aborted)
assert refused("head_object", **B, Key="aborted")[1] == 404

assert refused("delete_bucket", **B) == ("BucketNotEmpty", 409)
for page in s3.get_paginator("list_objects_v2").paginate(**B):
    for entry in page["Contents"]:
        s3.delete_object(**B, Key=entry["Key"])
s3.delete_object(**B, Key="never was")
s3.delete_bucket(**B)
assert refused("delete_bucket", **B) == ("NoSuchBucket", 404)
