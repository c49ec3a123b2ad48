"""Credentials of AWS by the token exchange, which boto3 finds by itself. `credentials.py URL ARN`
prints what AWS says to them."""

import os
import sys
import time
import urllib.error
import urllib.request

# Before anything that takes its time.
uri = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]

import boto3

url, arn = sys.argv[1:]
token = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]


def ask(uri, method="GET", **headers):
    """The status of an answer."""
    try:
        request = urllib.request.Request(uri, method=method, headers=headers)
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


print("asked", ask(uri, Authorization=token), flush=True)
print("other method", ask(uri, method="POST", Authorization=token), flush=True)
print("other path", ask(uri + "x", Authorization=token), flush=True)
print("no token", ask(uri), flush=True)
print("wrong token", ask(uri, Authorization="A" * 16), flush=True)
identity = boto3.client("sts", endpoint_url=url).get_caller_identity()
print("signed as", identity["Arn"], flush=True)
secret = boto3.client("secretsmanager", endpoint_url=url).get_secret_value(SecretId=arn)
print("read", secret["Name"], flush=True)
time.sleep(100000)
