"""Copies of objects and deleting many of them, with boto3."""

import hashlib
from datetime import timedelta

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


for bucket in ("one", "two"):
    s3.create_bucket(Bucket=bucket)
KEY = "a b/é+&?#%41"
put = s3.put_object(Bucket="one", Key=KEY, Body=b"0123456789", ContentType="text/x", Metadata={"own": "value"})
SOURCE = {"Bucket": "one", "Key": KEY}

copied = s3.copy_object(Bucket="two", Key="copy", CopySource=SOURCE)["CopyObjectResult"]
assert copied["ETag"] == put["ETag"] and copied["LastModified"]
got = s3.get_object(Bucket="two", Key="copy")
assert got["Body"].read() == b"0123456789"
assert (got["ContentType"], got["Metadata"]) == ("text/x", {"own": "value"}), got
# What was copied from can go.
s3.copy_object(Bucket="one", Key="own", CopySource=SOURCE, MetadataDirective="REPLACE", ContentType="text/y")
s3.delete_object(**SOURCE)
got = s3.get_object(Bucket="one", Key="own")
assert got["Body"].read() == b"0123456789"
assert (got["ContentType"], got["Metadata"]) == ("text/y", {}), got
OWN = {"Bucket": "one", "Key": "own"}
assert refused("copy_object", **OWN, CopySource=OWN) == ("InvalidRequest", 400)
s3.copy_object(**OWN, CopySource=OWN, MetadataDirective="REPLACE", Metadata={"new": "x"})
assert s3.head_object(**OWN)["Metadata"] == {"new": "x"}
assert s3.get_object(**OWN)["Body"].read() == b"0123456789"

C = {"Bucket": "two", "Key": "x", "CopySource": OWN}
assert refused("copy_object", **{**C, "CopySource": "one/none"}) == ("NoSuchKey", 404)
assert refused("copy_object", **{**C, "CopySource": "none/own"}) == ("NoSuchBucket", 404)
assert refused("copy_object", **{**C, "Bucket": "none"}) == ("NoSuchBucket", 404)
assert refused("copy_object", **{**C, "CopySource": "one"})[1] == 400
assert refused("copy_object", **{**C, "CopySource": "one/own?versionId=1"}) == ("NotImplemented", 501)
etag, modified = put["ETag"], s3.head_object(**OWN)["LastModified"]
day = timedelta(days=1)
FAILED = ("PreconditionFailed", 412)
assert refused("copy_object", **C, CopySourceIfMatch='"other"') == FAILED
assert refused("copy_object", **C, CopySourceIfNoneMatch=etag) == FAILED
assert refused("copy_object", **C, CopySourceIfUnmodifiedSince=modified - day) == FAILED
assert refused("copy_object", **C, CopySourceIfModifiedSince=modified + timedelta(hours=1)) in (FAILED,)
s3.copy_object(**C, CopySourceIfMatch=etag, CopySourceIfModifiedSince=modified - day)

# Parts of uploads.
large = bytes(i * 11 % 251 for i in range(6 * 1024 * 1024))
s3.put_object(Bucket="one", Key="large", Body=large)
M = {"Bucket": "two", "Key": "m"}
upload = {**M, "UploadId": s3.create_multipart_upload(**M)["UploadId"]}
P = {**upload, "CopySource": {"Bucket": "one", "Key": "large"}}
half = 5 * 1024 * 1024
tags = [
    s3.upload_part_copy(**P, PartNumber=n, CopySourceRange=span)["CopyPartResult"]["ETag"]
    for n, span in ((1, f"bytes=0-{half - 1}"), (2, f"bytes={half}-{len(large) - 1}"))
]
assert tags[1] == f'"{hashlib.md5(large[half:]).hexdigest()}"'
assert refused("upload_part_copy", **P, PartNumber=3, CopySourceRange="bytes=99999999-100000000")[1] == 416
assert refused("upload_part_copy", **P, PartNumber=3, CopySourceRange="some")[1] == 400
assert refused("upload_part_copy", **{**P, "UploadId": "none"}, PartNumber=3) == ("NoSuchUpload", 404)
parts = [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]
s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
assert s3.get_object(**M)["Body"].read() == large

# Many at once.
KEYS = ["a", "<&>\"'", "a//b", "é/ü ~", "new\nline", "return\r"]
for key in KEYS:
    s3.put_object(Bucket="one", Key=key, Body=b"x")
deletion = {"Objects": [{"Key": key} for key in (*KEYS, "never was")]}
done = s3.delete_objects(Bucket="one", Delete=deletion)
assert [deleted["Key"] for deleted in done["Deleted"]] == [*KEYS, "never was"], done
assert "Errors" not in done
assert {entry["Key"] for entry in s3.list_objects_v2(Bucket="one")["Contents"]} == {"own", "large"}
quiet = s3.delete_objects(Bucket="one", Delete={"Objects": [{"Key": "own"}], "Quiet": True})
assert "Deleted" not in quiet and "Errors" not in quiet, quiet
assert refused("delete_objects", Bucket="none", Delete=deletion) == ("NoSuchBucket", 404)
versions = {"Objects": [{"Key": "large", "VersionId": "1"}]}
assert refused("delete_objects", Bucket="one", Delete=versions) == ("NotImplemented", 501)
many = {"Objects": [{"Key": str(n)} for n in range(1001)]}
assert refused("delete_objects", Bucket="one", Delete=many) == ("MalformedXML", 400)
assert len(s3.delete_objects(Bucket="one", Delete={"Objects": many["Objects"][:1000]})["Deleted"]) == 1000

# What is not what its sender says of it deletes nothing.


def damage(request, **_):
    del request.headers["x-amz-checksum-crc32"]
    request.headers["x-amz-checksum-crc32"] = "AAAAAA=="


s3.meta.events.register("before-sign.s3.DeleteObjects", damage)
assert refused("delete_objects", Bucket="one", Delete={"Objects": [{"Key": "large"}]}) == ("BadDigest", 400)
s3.head_object(Bucket="one", Key="large")
