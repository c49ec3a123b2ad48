"""Policies with boto3: made, changed, attached to certificates and groups, removed."""

import json

import boto3
from botocore.exceptions import ClientError

iot = boto3.client("iot")


def refused(operation, **arguments):
    try:
        getattr(iot, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{operation} was answered")


def document(action):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


made = iot.create_policy(policyName="a+b", policyDocument=document("iot:Connect"))
assert made["policyArn"] == "arn:aws:iot:us-east-1:000000000000:policy/a+b", made
assert (made["policyDocument"], made["policyVersionId"]) == (document("iot:Connect"), "1"), made
assert refused("create_policy", policyName="a+b", policyDocument=document("iot:*")) == "ResourceAlreadyExistsException"
assert refused("create_policy", policyName="x", policyDocument="{}") == "MalformedPolicyException"
assert refused("create_policy", policyName="x", policyDocument=document("x" * 2048)) == "MalformedPolicyException"
assert refused("get_policy", policyName="x") == "ResourceNotFoundException"

added = iot.create_policy_version(policyName="a+b", policyDocument=document("iot:*"))
assert (added["policyVersionId"], added["isDefaultVersion"]) == ("2", False), added
assert iot.get_policy(policyName="a+b")["policyDocument"] == document("iot:Connect")
iot.set_default_policy_version(policyName="a+b", policyVersionId="2")
known = iot.get_policy(policyName="a+b")
assert (known["defaultVersionId"], known["policyDocument"]) == ("2", document("iot:*")), known
assert iot.get_policy_version(policyName="a+b", policyVersionId="1")["isDefaultVersion"] is False
for _ in range(3):
    iot.create_policy_version(policyName="a+b", policyDocument=document("iot:*"), setAsDefault=True)
assert refused("create_policy_version", policyName="a+b", policyDocument=document("*")) == "VersionsLimitExceededException"
versions = iot.list_policy_versions(policyName="a+b")["policyVersions"]
assert [(v["versionId"], v["isDefaultVersion"]) for v in versions] == [("5", True), ("4", False), ("3", False), ("2", False), ("1", False)], versions
assert refused("delete_policy_version", policyName="a+b", policyVersionId="5") == "DeleteConflictException"
assert refused("delete_policy", policyName="a+b") == "DeleteConflictException"
for number in ("1", "2", "3", "4"):
    iot.delete_policy_version(policyName="a+b", policyVersionId=number)

certificate = iot.create_keys_and_certificate()
site = iot.create_thing_group(thingGroupName="site")["thingGroupArn"]
hall = iot.create_thing_group(thingGroupName="hall", parentGroupName="site")["thingGroupArn"]
iot.create_policy(policyName="site", policyDocument=document("iot:Publish"))
iot.attach_policy(policyName="a+b", target=certificate["certificateArn"])
iot.attach_policy(policyName="a+b", target=hall)
iot.attach_policy(policyName="site", target=site)
assert refused("attach_policy", policyName="a+b", target="arn:aws:iot:us-east-1:000000000000:thing/x") == "InvalidRequestException"
assert refused("attach_policy", policyName="none", target=site) == "ResourceNotFoundException"
assert iot.list_targets_for_policy(policyName="a+b")["targets"] == [certificate["certificateArn"], hall]
names = lambda **of: [policy["policyName"] for policy in iot.list_attached_policies(**of)["policies"]]
assert names(target=hall) == ["a+b"] and names(target=hall, recursive=True) == ["a+b", "site"]
assert names(target=certificate["certificateArn"]) == ["a+b"]
assert [policy["policyName"] for policy in iot.list_policies()["policies"]] == ["a+b", "site"]

assert refused("delete_policy", policyName="a+b") == "DeleteConflictException"
assert refused("delete_certificate", certificateId=certificate["certificateId"]) == "DeleteConflictException"
iot.delete_certificate(certificateId=certificate["certificateId"], forceDelete=True)
iot.detach_policy(policyName="a+b", target=hall)
iot.delete_policy(policyName="a+b")
iot.delete_thing_group(thingGroupName="hall")
iot.delete_thing_group(thingGroupName="site")
iot.delete_policy(policyName="site")
