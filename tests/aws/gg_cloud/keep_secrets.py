"""Secrets with boto3, as their owners keep them and as devices read them."""

import http.client
import json
import os
import ssl
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(retries={"total_max_attempts": 1})
sm = boto3.client("secretsmanager", config=once)


def refused(client, operation, **arguments):
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{operation} was answered")


ABSENT = ("ResourceNotFoundException", 400)
made = sm.create_secret(Name="site/db", SecretString="one", Description="For the site", Tags=[{"Key": "stage", "Value": "prod"}])
arn, first = made["ARN"], made["VersionId"]
assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:site/db-"), arn
assert refused(sm, "create_secret", Name="site/db", SecretString="two") == ("ResourceExistsException", 400)
assert refused(sm, "create_secret", Name="a b")[0] == "InvalidParameterException"
assert refused(sm, "create_secret", Name="both", SecretString="a", SecretBinary=b"b")[0] == "InvalidParameterException"
assert refused(sm, "create_secret", Name="large", SecretString="x" * 65537)[0] == "InvalidParameterException"
got = sm.get_secret_value(SecretId="site/db")
assert (got["SecretString"], got["VersionStages"], got["VersionId"]) == ("one", ["AWSCURRENT"], first), got
assert abs(got["CreatedDate"] - datetime.now(timezone.utc)) < timedelta(minutes=5)
assert refused(sm, "get_secret_value", SecretId="none") == ABSENT
assert refused(sm, "get_secret_value", SecretId="site/db", VersionStage="none") == ABSENT

token = "t" * 32
second = sm.put_secret_value(SecretId=arn, SecretString="two", ClientRequestToken=token)
assert second["VersionId"] == token and second["VersionStages"] == ["AWSCURRENT"]
sm.put_secret_value(SecretId=arn, SecretString="two", ClientRequestToken=token)
assert refused(sm, "put_secret_value", SecretId=arn, SecretString="x", ClientRequestToken=token)[0] == "ResourceExistsException"
assert sm.get_secret_value(SecretId=arn[:-7], VersionStage="AWSPREVIOUS")["SecretString"] == "one"
assert sm.get_secret_value(SecretId=arn, VersionId=first)["SecretString"] == "one"
assert refused(sm, "get_secret_value", SecretId=arn, VersionId=first, VersionStage="AWSCURRENT") == ABSENT
third = sm.put_secret_value(SecretId=arn, SecretBinary=b"\x00\xff", VersionStages=["AWSPENDING"])["VersionId"]
assert sm.get_secret_value(SecretId=arn, VersionStage="AWSPENDING")["SecretBinary"] == b"\x00\xff"
assert refused(sm, "put_secret_value", SecretId=arn)[0] == "InvalidParameterException"
move = {"SecretId": arn, "VersionStage": "AWSCURRENT", "MoveToVersionId": third}
assert refused(sm, "update_secret_version_stage", **move)[0] == "InvalidParameterException"
sm.update_secret_version_stage(**move, RemoveFromVersionId=token)
assert sm.get_secret_value(SecretId=arn)["SecretBinary"] == b"\x00\xff"
known = sm.describe_secret(SecretId="site/db")
assert known["VersionIdsToStages"] == {token: ["AWSPREVIOUS"], third: ["AWSCURRENT", "AWSPENDING"]}, known
assert (known["Description"], known["Tags"]) == ("For the site", [{"Key": "stage", "Value": "prod"}])
assert "DeletedDate" not in known
versions = sm.list_secret_version_ids(SecretId=arn)["Versions"]
assert {version["VersionId"] for version in versions} == {token, third}, versions
versions = sm.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]
assert {version["VersionId"] for version in versions} == {first, token, third}, versions

sm.tag_resource(SecretId=arn, Tags=[{"Key": "owner", "Value": "me"}])
sm.untag_resource(SecretId=arn, TagKeys=["stage"])
assert sm.describe_secret(SecretId=arn)["Tags"] == [{"Key": "owner", "Value": "me"}]
updated = sm.update_secret(SecretId=arn, Description="Other", SecretString="four")
assert sm.get_secret_value(SecretId=arn)["VersionId"] == updated["VersionId"]
assert "VersionId" not in sm.update_secret(SecretId=arn, Description="Again")

for number in range(5):
    sm.create_secret(Name=f"many/{number}", SecretString=str(number))
names = [
    secret["Name"]
    for page in sm.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 2}, SortBy="name", SortOrder="desc")
    for secret in page["SecretList"]
]
assert names == ["site/db", *(f"many/{number}" for number in (4, 3, 2, 1, 0))], names
named = sm.list_secrets(Filters=[{"Key": "name", "Values": ["site/"]}])["SecretList"]
assert [secret["ARN"] for secret in named] == [arn] and named[0]["SecretVersionsToStages"], named
assert refused(sm, "list_secrets", NextToken="!")[0] == "InvalidNextTokenException"
batch = sm.batch_get_secret_value(SecretIdList=["many/1", "none", arn])
assert [value["SecretString"] for value in batch["SecretValues"]] == ["1", "four"], batch
assert [(error["SecretId"], error["ErrorCode"]) for error in batch["Errors"]] == [("none", "ResourceNotFoundException")]
batch = sm.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["many/"]}], MaxResults=3)
assert len(batch["SecretValues"]) == 3 and batch["NextToken"]

gone = sm.delete_secret(SecretId="many/0", RecoveryWindowInDays=7)
assert timedelta(days=6) < gone["DeletionDate"] - datetime.now(timezone.utc) < timedelta(days=8)
assert refused(sm, "get_secret_value", SecretId="many/0")[0] == "InvalidRequestException"
assert refused(sm, "create_secret", Name="many/0")[0] == "InvalidRequestException"
assert sm.describe_secret(SecretId="many/0")["DeletedDate"]
assert "many/0" not in {secret["Name"] for secret in sm.list_secrets()["SecretList"]}
assert "many/0" in {secret["Name"] for secret in sm.list_secrets(IncludePlannedDeletion=True)["SecretList"]}
sm.restore_secret(SecretId="many/0")
assert sm.get_secret_value(SecretId="many/0")["SecretString"] == "0"
assert refused(sm, "delete_secret", SecretId="many/0", RecoveryWindowInDays=3)[0] == "InvalidParameterException"
sm.delete_secret(SecretId="many/0", ForceDeleteWithoutRecovery=True)
assert refused(sm, "describe_secret", SecretId="many/0") == ABSENT
sm.delete_secret(SecretId="many/0", ForceDeleteWithoutRecovery=True)
assert refused(sm, "delete_secret", SecretId="many/0") == ABSENT
code, status = refused(sm, "rotate_secret", SecretId=arn)
assert (code, status) == ("UnknownOperationException", 400)

# A device has a role's credentials by its certificate, and may read values with them and nothing else.
iot = boto3.client("iot")
iot.create_thing(thingName="press")
device = iot.create_keys_and_certificate(setAsActive=True)
iot.attach_thing_principal(thingName="press", principal=device["certificateArn"])
alias = iot.create_role_alias(roleAlias="reader", roleArn="arn:aws:iam::000000000000:role/Reader")["roleAliasArn"]
allow = {"Effect": "Allow", "Action": "iot:AssumeRoleWithCertificate", "Resource": alias}
iot.create_policy(policyName="exchange", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
iot.attach_policy(policyName="exchange", target=device["certificateArn"])
url = urlparse(os.environ["AWS_ENDPOINT_URL"])
with tempfile.TemporaryDirectory() as folder:
    pem = Path(folder) / "device.pem"
    pem.write_text(device["certificatePem"] + device["keyPair"]["PrivateKey"])
    trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    trust.load_cert_chain(pem)
connection = http.client.HTTPSConnection(url.hostname, url.port, context=trust)
connection.request("GET", "/role-aliases/reader/credentials", headers={"x-amzn-iot-thingname": "press"})
given = json.loads(connection.getresponse().read())["credentials"]
there = boto3.client(
    "secretsmanager",
    config=once,
    aws_access_key_id=given["accessKeyId"],
    aws_secret_access_key=given["secretAccessKey"],
    aws_session_token=given["sessionToken"],
)
assert there.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"] == "four"
for operation, arguments in (
    ("put_secret_value", {"SecretId": arn, "SecretString": "x"}),
    ("delete_secret", {"SecretId": arn}),
    ("list_secrets", {}),
    ("batch_get_secret_value", {"SecretIdList": [arn]}),
):
    assert refused(there, operation, **arguments)[0] == "AccessDeniedException", operation
