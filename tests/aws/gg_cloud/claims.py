"""Fleet provisioning by claim: templates with boto3, and devices that ask over MQTT with a claim until they
have a certificate and a name of their own."""

import json
import os
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from mqtt import DEVICES, NEW, OLD, Client
from mqtt import refused as refused_by_broker

iot = boto3.client("iot")
ACCOUNT = "arn:aws:iot:us-east-1:000000000000"


def refused(operation, **arguments):
    try:
        getattr(iot, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{operation} was answered")


BODY = {
    "Parameters": {"SerialNumber": {"Type": "String"}, "Place": {"Type": "String", "Default": "nowhere"}},
    "Resources": {
        "thing": {
            "Type": "AWS::IoT::Thing",
            "Properties": {
                "ThingName": {"Fn::Join": ["", ["press-", {"Ref": "SerialNumber"}]]},
                "AttributePayload": {"place": {"Ref": "Place"}},
                "ThingGroups": ["hall"],
            },
        },
        "certificate": {
            "Type": "AWS::IoT::Certificate",
            "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"},
        },
        "policy": {
            "Type": "AWS::IoT::Policy",
            "Properties": {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}],
                }
            },
        },
    },
    "DeviceConfiguration": {"welcome": {"Fn::Sub": "to ${Place}"}},
}
ROLE = "arn:aws:iam::000000000000:role/Provisioner"
T = {"templateName": "fleet", "templateBody": json.dumps(BODY), "provisioningRoleArn": ROLE}
assert refused("create_provisioning_template", **{**T, "templateBody": "{}"}) == "InvalidRequestException"
made = iot.create_provisioning_template(**T, enabled=True, description="Presses", tags=[{"Key": "a", "Value": "1"}])
assert made["templateArn"] == f"{ACCOUNT}:provisioningtemplate/fleet" and made["defaultVersionId"] == 1, made
assert refused("create_provisioning_template", **T) == "ResourceAlreadyExistsException"
known = iot.describe_provisioning_template(templateName="fleet")
assert json.loads(known["templateBody"]) == BODY and known["enabled"] and known["description"] == "Presses", known
assert [one["templateName"] for one in iot.list_provisioning_templates()["templates"]] == ["fleet"]
assert iot.list_tags_for_resource(resourceArn=made["templateArn"])["tags"] == [{"Key": "a", "Value": "1"}]
assert refused("create_provisioning_claim", templateName="none") == "ResourceNotFoundException"
hook = {"targetArn": "arn:aws:lambda:us-east-1:000000000000:function:f"}
assert refused("create_provisioning_template", **{**T, "templateName": "x"}, preProvisioningHook=hook) == "UnknownOperationException"
iot.create_thing_group(thingGroupName="hall")

# A claim that is for years, as it is built into devices, and one for minutes.
built_in = iot.create_keys_and_certificate(setAsActive=True)
topics = ["$aws/certificates/create/*", "$aws/certificates/create-from-csr/*", "$aws/provisioning-templates/fleet/provision/*"]
iot.create_policy(policyName="claim", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
    {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": [f"{ACCOUNT}:topic/{topic}" for topic in topics]},
    {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": [f"{ACCOUNT}:topicfilter/{topic}" for topic in topics]},
]}))
iot.attach_policy(policyName="claim", target=built_in["certificateArn"])
short = iot.create_provisioning_claim(templateName="fleet")
assert short["expiration"]


def keep(name, certificate, key):
    for kind, text in (("pem", certificate), ("key", key)):
        path = Path(DEVICES) / f"{name}.{kind}"
        path.write_text(text)
        os.chmod(path, 0o600)


keep("built-in", built_in["certificatePem"], built_in["keyPair"]["PrivateKey"])
keep("short", short["certificatePem"], short["keyPair"]["PrivateKey"])

CREATE, SIGN, BECOME = "$aws/certificates/create/json", "$aws/certificates/create-from-csr/json", "$aws/provisioning-templates/fleet/provision/json"


def ask(client, topic, payload):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    assert client.publish(topic, text) == "Success"
    told, answer = client.next()
    assert told in (f"{topic}/accepted", f"{topic}/rejected"), told
    return told.endswith("accepted"), json.loads(answer)


def answers(*topics):
    return [f"{topic}/{end}" for topic in topics for end in ("accepted", "rejected")]


number = 0
for claim in ("built-in", "short"):
    for version in (OLD, NEW):
        number += 1
        client = Client(claim, name=f"first-start-{number}", version=version)
        granted = client.subscribe(*answers(CREATE, SIGN, BECOME))
        assert all(code.startswith("Granted") for code in granted), granted
        # Somebody else with the same claim hears nothing of it, whatever it listens to.
        other = Client(claim, name=f"curious-{number}", version=version)
        granted = other.subscribe("$aws/certificates/create/#", "$aws/certificates/create/json", BECOME, *answers(CREATE, BECOME))
        fine, given = ask(client, CREATE, {})
        assert fine and set(given) == {"certificateId", "certificatePem", "privateKey", "certificateOwnershipToken"}, given
        token, parameters = given["certificateOwnershipToken"], {"SerialNumber": str(number), "Place": "Ghent"}
        fine, why = ask(client, BECOME, {"certificateOwnershipToken": token, "parameters": {}})
        assert not fine and (why["statusCode"], why["errorCode"]) == (400, "InvalidParameters"), why
        fine, why = ask(client, BECOME, {"certificateOwnershipToken": "x", "parameters": parameters})
        assert not fine and why["errorCode"] == "InvalidCertificateOwnershipToken", why
        assert not ask(client, BECOME, "no JSON")[0]
        keep(f"press-{number}", given["certificatePem"], given["privateKey"])
        assert refused_by_broker(f"press-{number}"), "it is nobody's yet"
        fine, become = ask(client, BECOME, {"certificateOwnershipToken": token, "parameters": parameters})
        assert fine and become == {"thingName": f"press-{number}", "deviceConfiguration": {"welcome": "to Ghent"}}, become
        # It was connected all the time: what it is told first is its own.
        own = ask(other, CREATE, {})[1]["certificateId"]
        assert own != given["certificateId"] and other.messages.empty()
        other.close()
        client.close()
        # From here on it is a thing like any other.
        device = Client(f"press-{number}")
        device.subscribe(f"press-{number}/x")
        assert device.publish(f"press-{number}/x", "mine") == "Success"
        assert device.next() == (f"press-{number}/x", "mine")
        device.close()

things = {thing["thingName"]: thing["attributes"] for thing in iot.list_things()["things"] if thing["thingName"] != "alpha"}
assert things == {f"press-{n}": {"place": "Ghent"} for n in range(1, 5)}, things
assert set(iot.list_things_in_thing_group(thingGroupName="hall")["things"]) == set(things)
assert len([one for one in iot.list_policies()["policies"] if len(one["policyName"]) == 64]) == 1, "one for all of them"

# A key that never leaves the device.
os.system(f"openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=own -keyout {DEVICES}/own.key -out {DEVICES}/own.csr 2>/dev/null")
client = Client("built-in", name="own")
client.subscribe(*answers(SIGN, BECOME))
fine, given = ask(client, SIGN, {"certificateSigningRequest": Path(f"{DEVICES}/own.csr").read_text()})
assert fine and set(given) == {"certificateId", "certificatePem", "certificateOwnershipToken"}, given
assert not ask(client, SIGN, {"certificateSigningRequest": "none"})[0]
Path(f"{DEVICES}/own.pem").write_text(given["certificatePem"])
registration = {"certificateOwnershipToken": given["certificateOwnershipToken"], "parameters": {"SerialNumber": "own"}}
assert ask(client, BECOME, registration)[0]
fine, why = ask(client, BECOME, registration)
assert not fine and why["errorCode"] == "InvalidCertificateOwnershipToken", "once"
Client("own", name="press-own").close()

# Answers have the quality that was subscribed for.
for version in (OLD, NEW):
    careless = Client("built-in", name="careless", version=version)
    careless._wait(careless.paho.subscribe(f"{CREATE}/#", 0)[1])
    assert careless.publish(CREATE, "{}") == "Success"
    message = careless.messages.get(timeout=15)
    assert (message.topic, message.qos) == (f"{CREATE}/accepted", 0), (message.topic, message.qos)
    careless.close()

# What a claim may not.
for topic in ("press-1/x", "$aws/things/press-1/shadow/get", "$aws/provisioning-templates/other/provision/json", f"{CREATE}/accepted"):
    assert client.publish(topic) == "Not authorized", topic
assert [code.startswith("Granted") for code in client.subscribe("press-1/x", "#", "$aws/things/press-1/#")] == [False] * 3
iot.update_provisioning_template(templateName="fleet", enabled=False)
assert not ask(client, BECOME, registration)[0]
assert refused("create_provisioning_claim", templateName="fleet") == "InvalidRequestException"
client.close()
iot.delete_provisioning_template(templateName="fleet")
assert refused("describe_provisioning_template", templateName="fleet") == "ResourceNotFoundException"
