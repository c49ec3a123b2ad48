"""What no SDK sends: bodies that are cut off, too large or not what they say, and heads that are nonsense. The
server answers or closes, goes on, and keeps nothing of it."""

import os
import socket
import ssl
from urllib.parse import urlsplit

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

url = os.environ["AWS_ENDPOINT_URL"]
host, port = urlsplit(url).hostname, urlsplit(url).port
context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
keys = boto3.Session().get_credentials().get_frozen_credentials()


def send(*parts, close=False):
    """What is answered to these bytes; with `close`, after nothing more is sent."""
    stream = context.wrap_socket(socket.create_connection((host, port), timeout=30), server_hostname=host)
    answer = b""
    try:
        for part in parts:
            stream.sendall(part)
        if close:
            stream.unwrap()
        while b"\r\n\r\n" not in answer or b"</Error>" not in answer and b"}" not in answer:
            data = stream.recv(65536)
            if not data:
                break
            answer += data
    except OSError:
        pass
    return answer


def head(method, path, service, headers, sign=None):
    request = AWSRequest(method, url + path, headers=headers, data=b"")
    sign = sign or (S3SigV4Auth if service == "s3" else SigV4Auth)
    sign(keys, service, "us-east-1").add_auth(request)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Chunked(S3SigV4Auth):
    def payload(self, request):
        return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

    def add_auth(self, request):
        request.headers["X-Amz-Content-SHA256"] = self.payload(request)
        super().add_auth(request)

    def _modify_request_before_signing(self, request):
        super()._modify_request_before_signing(request)
        request.headers.replace_header("X-Amz-Content-SHA256", self.payload(request))


s3 = boto3.client("s3")
s3.create_bucket(Bucket="bucket")

# Heads.
assert b" 400 " in send(b"nonsense\r\n\r\n")
assert b" 431 " in send(b"GET / HTTP/1.1\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(200)) + b"\r\n")
assert b" 403 " in send(b"GET /bucket/key HTTP/1.1\r\nHost: x\r\n\r\n")
assert b" 40" in send(b"GET /%ff?%ff=%00 HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 \xff\r\n\r\n")
two = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
assert b" 400 " in send(two)

# A body that is larger than any operation's, though signed.
large = head("POST", "/greengrass/v2/createComponentVersion", "greengrass", {"Content-Length": str(1 << 30)})
answer = send(large, b"x" * (2 << 20))
assert b" 413 " in answer or answer == b"", answer

# Bodies in chunks that lie.
def chunks(body, length, close=False):
    headers = {"Content-Length": str(len(body)), "Content-Encoding": "aws-chunked",
               "x-amz-decoded-content-length": str(length), "x-amz-trailer": "x-amz-checksum-crc32"}
    return send(head("PUT", "/bucket/lie", "s3", headers, Chunked), body, close=close)


assert b"BadDigest" in chunks(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 5)
assert b"IncompleteBody" in chunks(b"5\r\nhello\r\n0\r\n\r\n", 6)
assert b"IncompleteBody" in chunks(b"5\r\nhel", 5)
assert b"InvalidArgument" in chunks(b"4\r\nhello\r\n0\r\n\r\n", 4)
assert b"InvalidArgument" in chunks(b"fffffffffffffffff\r\n", 5)
assert b"InvalidArgument" in chunks(b"z" * 5000, 5000)
cut = head("PUT", "/bucket/lie", "s3", {"Content-Length": "1000000"})
send(cut, b"only this", close=True)
try:
    s3.head_object(Bucket="bucket", Key="lie")
    raise AssertionError("a lie was kept")
except ClientError as error:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
s3.put_object(Bucket="bucket", Key="good", Body=b"after all that")
