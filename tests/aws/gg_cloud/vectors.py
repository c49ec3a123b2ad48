"""Requests as botocore signs them, for the tests beside the code that verifies them. Nothing is sent.

Run it with boto3 to make `cloud/src/web/sigv4/vectors.json` anew: vectors.py > vectors.json
"""

import json

import boto3
from botocore.config import Config

KEYS = {
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "region_name": "us-east-1",
    "endpoint_url": "https://localhost:8443",
}
ARN = "arn:aws:greengrass:us-east-1:000000000000:components:com.example.Hello:versions:1.0.0"
made = []


class Kept(Exception):
    """The request is kept, and not sent."""


def client(service, **arguments):
    client = boto3.client(service, **{**KEYS, **arguments})
    client.meta.events.register("before-send", keep)
    return client


def keep(request, **_):
    text = lambda value: value.decode() if isinstance(value, bytes) else value
    del request.headers["User-Agent"]  # It is not signed, and tells of this machine.
    body = request.body
    if hasattr(body, "read"):
        body = body.read()
    made.append({
        "method": request.method,
        "target": request.url.removeprefix("https://localhost:8443"),
        "headers": {"host": "localhost:8443"} | {k.lower(): text(v) for k, v in request.headers.items()},
        "body": text(body) or "",
    })
    raise Kept


def ask(service, operation, arguments, **more):
    try:
        getattr(client(service, **more), operation)(**arguments)
    except Kept:
        made[-1]["name"] = f"{service} {operation}"


ask("sts", "get_caller_identity", {})
ask("greengrassv2", "list_components", {"nextToken": "a+b/c=="})
ask("greengrassv2", "get_component", {"arn": ARN, "recipeOutputFormat": "YAML"})
ask("greengrassv2", "untag_resource", {"resourceArn": ARN, "tagKeys": ["b", "a", "a b"]})
ask("greengrassv2", "create_component_version", {"inlineRecipe": b"RecipeFormatVersion: 2020-01-25"})
ask("iot", "describe_thing", {"thingName": "a:b"})
ask("iot-data", "publish", {"topic": "$aws/things/é/x", "payload": b"{}"})
ask("iot-jobs-data", "start_next_pending_job_execution", {"thingName": "t"})
ask("secretsmanager", "get_secret_value", {"SecretId": "s"}, aws_session_token="t+/=")
ask("s3", "put_object", {"Bucket": "bucket", "Key": "a//b/../ü +~.txt", "Body": b"hello world"})
ask("s3", "list_objects_v2", {"Bucket": "bucket", "Prefix": "a b/+", "Delimiter": "/"})
ask("s3", "head_object", {"Bucket": "bucket", "Key": "a", "IfNoneMatch": '"x"'})

for version in ("s3", "s3v4"):
    for operation, arguments in (
        ("get_object", {"Bucket": "bucket", "Key": "a b/+ü", "ResponseContentType": "text/x y"}),
        ("put_object", {"Bucket": "bucket", "Key": "new"}),
        ("upload_part", {"Bucket": "bucket", "Key": "new", "PartNumber": 1, "UploadId": "u+1"}),
    ):
        linked = client("s3", config=Config(signature_version=version))
        url = linked.generate_presigned_url(operation, arguments, ExpiresIn=600)
        method = "GET" if operation == "get_object" else "PUT"
        made.append({
            "method": method,
            "target": url.removeprefix("https://localhost:8443"),
            "headers": {"host": "localhost:8443"},
            "body": "",
            "name": f"{version} link {operation}",
        })

print(json.dumps(made, indent=1, ensure_ascii=False))
