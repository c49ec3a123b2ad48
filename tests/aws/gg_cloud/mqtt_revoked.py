"""Rights that are lost while a client is connected, and while it is away."""

import hashlib
import ssl

import boto3
from mqtt import DEVICES, NEW, OLD, Client, refused

iot = boto3.client("iot")
with open(f"{DEVICES}/alpha.pem") as file:
    CERTIFICATE = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def status(new):
    iot.update_certificate(certificateId=CERTIFICATE, newStatus=new)


policy = iot.get_policy(policyName="alpha")["policyDocument"]
without = policy.replace('"Statement": [', '"Statement": [{"Effect": "Deny", "Action": "iot:Receive", "Resource": "*/secret"},')


def say(document):
    versions = iot.list_policy_versions(policyName="alpha")["policyVersions"]
    for version in versions:
        if not version["isDefaultVersion"]:
            iot.delete_policy_version(policyName="alpha", policyVersionId=version["versionId"])
    iot.create_policy_version(policyName="alpha", policyDocument=document, setAsDefault=True)


for version in (OLD, NEW):
    client = Client("alpha", version=version, keep=True)
    assert client.subscribe("alpha/#", "alpha/x")[0].startswith("Granted")
    say(without)
    assert client.ended.wait(15), "it could receive what it may not"
    client = Client("alpha", version=version, keep=True)
    assert client.resumed
    granted = client.subscribe("alpha/#", "alpha/+/y", "alpha/x")
    assert [code.startswith("Granted") for code in granted] == [False, True, True], granted
    client.publish("alpha/secret", "hidden")
    client.publish("alpha/x", "seen")
    assert client.next() == ("alpha/x", "seen"), "the rest of the session is there, and no more"
    say(policy)
    assert client.subscribe("alpha/#")[0].startswith("Granted")

    status("INACTIVE")
    assert client.ended.wait(15), "its certificate does not count any more"
    assert refused("alpha", version=version) != "Success"
    status("ACTIVE")
    client = Client("alpha", version=version)
    status("INACTIVE")
    assert client.ended.wait(15)
    if version == OLD:
        status("ACTIVE")
