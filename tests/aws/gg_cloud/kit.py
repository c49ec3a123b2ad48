"""A device with an enrolment kit, unpacked at home: it gets credentials by what is in it, and boto3 knows it."""

import http.client
import json
import os
import ssl
from pathlib import Path
from urllib.parse import urlparse

import boto3

home = Path(os.environ["HOME"])
configuration = json.loads((home / "config.yaml").read_text().removeprefix("---\n"))
system, nucleus = configuration["system"], configuration["services"]["aws.greengrass.Nucleus"]["configuration"]
assert (system["thingName"], system["privateKeyPath"]) == ("press", "/gg/private.pem.key"), system
assert nucleus["iotDataEndpoint"] == "localhost", nucleus

trust = ssl.create_default_context(cafile=home / "AmazonRootCA1.pem")
trust.load_cert_chain(home / "device.pem.crt", home / "private.pem.key")
connection = http.client.HTTPSConnection(nucleus["iotCredEndpoint"], context=trust)
connection.request("GET", f"/role-aliases/{nucleus['iotRoleAlias']}/credentials", headers={"x-amzn-iot-thingname": "press"})
answer = connection.getresponse()
given = json.loads(answer.read())
assert answer.status == 200, given
given = given["credentials"]
me = boto3.client(
    "sts",
    aws_access_key_id=given["accessKeyId"],
    aws_secret_access_key=given["secretAccessKey"],
    aws_session_token=given["sessionToken"],
).get_caller_identity()
assert me["Arn"] == "arn:aws:sts::000000000000:assumed-role/GreengrassV2TokenExchangeRole/press", me

iot = boto3.client("iot")
principals = iot.list_thing_principals(thingName="press")["principals"]
policies = iot.list_attached_policies(target=principals[0])["policies"]
assert [policy["policyName"] for policy in policies] == ["GreengrassV2CoreDevice"], policies
assert iot.list_things_in_thing_group(thingGroupName="hall")["things"] == ["press"]
assert urlparse(os.environ["AWS_ENDPOINT_URL"]).port == int(nucleus["greengrassDataPlanePort"])
