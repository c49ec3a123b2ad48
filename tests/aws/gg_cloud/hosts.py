"""Buckets that stand before the server's name, `bucket.gg.test`, as SDKs have them by default."""

import http.client
import os
import socket
import ssl
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# A name server would say so.
found = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **named: found(
    "127.0.0.1" if str(host).endswith("gg.test") else host, *rest, **named
)
url = urlparse(os.environ["AWS_ENDPOINT_URL"])
here = f"https://gg.test:{url.port}"
virtual = Config(s3={"addressing_style": "virtual"}, signature_version="s3v4", retries={"total_max_attempts": 1})
s3 = boto3.client("s3", endpoint_url=here, config=virtual)
asked = []
s3.meta.events.register("before-send.s3", lambda request, **_: asked.append(urlparse(request.url)) and None)

s3.create_bucket(Bucket="bucket")
s3.head_bucket(Bucket="bucket")
assert s3.get_bucket_location(Bucket="bucket")["LocationConstraint"] is None
body = bytes(range(256)) * 1000
for key in ("a", "deep/b c", "bucket/a", "x//y"):
    s3.put_object(Bucket="bucket", Key=key, Body=body)
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body, key
assert {host.hostname for host in asked[3:]} == {"bucket.gg.test"}, asked
assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["a", "bucket/a", "deep/b c", "x//y"]

# The same bucket by its path, and a link to each.
path = boto3.client("s3")
assert path.get_object(Bucket="bucket", Key="bucket/a")["ContentLength"] == len(body)
trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
for client in (s3, path):
    link = urlparse(client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "deep/b c"}))
    connection = http.client.HTTPSConnection(link.hostname, link.port, context=trust)
    connection.request("GET", f"{link.path}?{link.query}")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, body), link
s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/a")
s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "copy"}, {"Key": "a"}]})
try:
    s3.get_object(Bucket="bucket", Key="a")
except ClientError as error:
    assert error.response["Error"]["Code"] == "NoSuchKey", error
else:
    raise AssertionError("it is there")
