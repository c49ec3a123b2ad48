"""Links to objects, signed by boto3 in both ways, used by a client without keys."""

import os
import ssl
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])


def ask(url, method="GET", body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, context=context) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


boto3.client("s3").create_bucket(Bucket="links")
for version in ("s3", "s3v4"):
    s3 = boto3.client("s3", config=Config(signature_version=version))
    here = {"Bucket": "links", "Key": "a b/+ü"}
    put = s3.generate_presigned_url("put_object", here, ExpiresIn=60)
    # urllib would say that it is a form.
    assert ask(put, "PUT", b"linked", {"Content-Type": ""})[0] == 200
    get = s3.generate_presigned_url("get_object", {**here, "ResponseContentType": "text/x"}, ExpiresIn=60)
    status, body, headers = ask(get)
    assert (status, body, headers["content-type"]) == (200, b"linked", "text/x"), (status, body)
    assert ask(get, "PUT", b"x")[0] == 403
    assert ask(get.replace("links", "linkz"))[0] == 403
    assert b"SignatureDoesNotMatch" in ask(get.replace("Signature=", "Signature=A"))[1]
    expired = s3.generate_presigned_url("get_object", here, ExpiresIn=-10 if version == "s3" else 1)
    if version == "s3":
        assert b"Request has expired" in ask(expired)[1]
    assert ask(s3.generate_presigned_url("get_object", here, ExpiresIn=60 * 60 * 24 * 8))[0] in (400, 403)
assert ask(get.split("?")[0])[0] == 403
