"""Endpoints and role aliases with boto3; credentials as devices ask for them, and what they are good for."""

import http.client
import json
import os
import ssl
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlparse

import boto3
from botocore.exceptions import ClientError

iot = boto3.client("iot")
url = urlparse(os.environ["AWS_ENDPOINT_URL"])


def refused(client, operation, **arguments):
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{operation} was answered")


for kind in ("iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs"):
    assert iot.describe_endpoint(endpointType=kind)["endpointAddress"] == url.netloc
assert refused(iot, "describe_endpoint", endpointType="iot:Other") == "InvalidRequestException"

ROLE = "arn:aws:iam::000000000000:role/press/Reader"
made = iot.create_role_alias(roleAlias="reader", roleArn=ROLE)
assert made["roleAliasArn"] == "arn:aws:iot:us-east-1:000000000000:rolealias/reader", made
assert refused(iot, "create_role_alias", roleAlias="reader", roleArn=ROLE) == "ResourceAlreadyExistsException"
assert refused(iot, "create_role_alias", roleAlias="x", roleArn="no role ARN, but long") == "InvalidRequestException"
assert refused(iot, "update_role_alias", roleAlias="none", roleArn=ROLE) == "ResourceNotFoundException"
iot.update_role_alias(roleAlias="reader", credentialDurationSeconds=900)
known = iot.describe_role_alias(roleAlias="reader")["roleAliasDescription"]
assert (known["roleArn"], known["credentialDurationSeconds"]) == (ROLE, 900), known
assert iot.list_role_aliases()["roleAliases"] == ["reader"]

iot.create_thing(thingName="press")
iot.create_thing(thingName="other")
device = iot.create_keys_and_certificate(setAsActive=True)
iot.attach_thing_principal(thingName="press", principal=device["certificateArn"])
folder = tempfile.TemporaryDirectory()
pem = Path(folder.name) / "device.pem"
pem.write_text(device["certificatePem"] + device["keyPair"]["PrivateKey"])


def ask(alias="reader", thing="press", shown=pem, tls=None):
    trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    if tls:
        trust.maximum_version = tls
    if shown:
        trust.load_cert_chain(shown)
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=trust)
    headers = {"x-amzn-iot-thingname": thing} if thing else {}
    connection.request("GET", f"/role-aliases/{alias}/credentials", headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


assert ask() [0] == 403, "no policy allows it yet"
allow = {"Effect": "Allow", "Action": "iot:AssumeRoleWithCertificate", "Resource": made["roleAliasArn"]}
iot.create_policy(policyName="exchange", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
iot.attach_policy(policyName="exchange", target=device["certificateArn"])
assert ask(thing="other")[0] == 403
assert ask(alias="none")[0] == 404
assert ask(shown=None)[0] == 403
assert ask(thing=None)[0] == 200
assert ask(tls=ssl.TLSVersion.TLSv1_2)[0] == 200
status, answer = ask()
assert status == 200, answer
given = answer["credentials"]
expires = datetime.strptime(given["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
assert timedelta(minutes=14) < expires - datetime.now(timezone.utc) < timedelta(minutes=16), given["expiration"]

session = {
    "aws_access_key_id": given["accessKeyId"],
    "aws_secret_access_key": given["secretAccessKey"],
    "aws_session_token": given["sessionToken"],
}
me = boto3.client("sts", **session).get_caller_identity()
assert me["Arn"] == "arn:aws:sts::000000000000:assumed-role/Reader/press", me
admin, s3 = boto3.client("s3"), boto3.client("s3", **session)
admin.create_bucket(Bucket="artifacts")
admin.put_object(Bucket="artifacts", Key="a/b", Body=b"hello")
assert s3.get_object(Bucket="artifacts", Key="a/b")["Body"].read() == b"hello"
assert s3.head_object(Bucket="artifacts", Key="a/b")["ContentLength"] == 5
s3.get_bucket_location(Bucket="artifacts")
assert refused(s3, "put_object", Bucket="artifacts", Key="c", Body=b"x") == "AccessDenied"
assert refused(s3, "list_objects_v2", Bucket="artifacts") == "AccessDenied"
assert refused(boto3.client("iot", **session), "list_things") == "AccessDeniedException"
forged = session | {"aws_session_token": given["sessionToken"][:-4] + "AAAA"}
assert refused(boto3.client("sts", **forged), "get_caller_identity") == "ExpiredTokenException"
without = session | {"aws_session_token": None}
assert refused(boto3.client("sts", **without), "get_caller_identity") == "ExpiredTokenException"

iot.update_certificate(certificateId=device["certificateId"], newStatus="INACTIVE")
assert ask()[0] == 403
stranger = Path(folder.name) / "stranger.pem"
os.system(f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=press -keyout {stranger}.key -out {stranger}.crt 2>/dev/null")
stranger.write_text(Path(f"{stranger}.key").read_text() + Path(f"{stranger}.crt").read_text())
assert ask(shown=stranger)[0] == 403
iot.delete_role_alias(roleAlias="reader")
