"""Who am I, with boto3: the right key, a wrong secret, no key, another region, an unknown operation."""

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError


def refused(client, operation, **arguments):
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{operation} was answered")


me = boto3.client("sts").get_caller_identity()
assert me["Account"] == "000000000000", me
assert me["Arn"] == "arn:aws:iam::000000000000:user/admin", me
assert me["ResponseMetadata"]["RequestId"], me

key = boto3.Session().get_credentials().access_key
wrong = boto3.client("sts", aws_access_key_id=key, aws_secret_access_key="w" * 40)
assert refused(wrong, "get_caller_identity") == ("InvalidSignatureException", 403)
unknown = boto3.client("sts", aws_access_key_id="AKIAUNKNOWN", aws_secret_access_key="w" * 40)
assert refused(unknown, "get_caller_identity") == ("UnrecognizedClientException", 403)
elsewhere = boto3.client("sts", region_name="eu-central-1")
assert refused(elsewhere, "get_caller_identity") == ("InvalidSignatureException", 403)
assert refused(boto3.client("sts"), "get_session_token") == ("InvalidAction", 400)
assert refused(boto3.client("kms"), "list_keys")[1] == 404
anonymous = boto3.client("s3", config=Config(signature_version=UNSIGNED))
try:
    anonymous.list_buckets()
except ClientError as error:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
