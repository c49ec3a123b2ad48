"""An object that is half sent when the server is told to stop, and is whole in the end."""

import http.client
import os
import ssl
import sys
from urllib.parse import urlparse

import boto3
from botocore.config import Config

BODY = b"whole" * 400_000
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
link = urlparse(s3.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "whole"}))
trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
connection = http.client.HTTPSConnection(link.hostname, link.port, context=trust)
connection.putrequest("PUT", f"{link.path}?{link.query}")
connection.putheader("Content-Length", str(len(BODY)))
connection.endheaders(BODY[: len(BODY) // 2])
print("half of it is sent", flush=True)
sys.stdin.readline()
connection.send(BODY[len(BODY) // 2 :])
answer = connection.getresponse()
assert answer.status == 200, answer.read()
