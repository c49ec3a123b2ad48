"""What core devices ask over HTTPS, with their certificates and no signatures."""

import base64
import hashlib
import http.client
import json
import os
import ssl
import sys
import urllib.request
from urllib.parse import quote, urlparse

import boto3
from botocore.exceptions import ClientError

iot, greengrass, s3 = boto3.client("iot"), boto3.client("greengrassv2"), boto3.client("s3")
url, DEVICES = urlparse(os.environ["AWS_ENDPOINT_URL"]), sys.argv[3]
RESOLVE = "/greengrass/v2/resolveComponentCandidates"


def ask(method, path, body=None, device="alpha"):
    trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    if device:
        trust.load_cert_chain(f"{DEVICES}/{device}.pem", f"{DEVICES}/{device}.key")
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=trust)
    connection.request(method, path, body and json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


s3.create_bucket(Bucket="artifacts")
contents = {"one/app.py": b"print(1)\n", "two/app.py": b"print(2)\n"}
for key, content in contents.items():
    s3.put_object(Bucket="artifacts", Key=key, Body=content)


def publish(name, version, **platform):
    recipe = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": version,
        "ComponentDependencies": {"aws.greengrass.TokenExchangeService": {"VersionRequirement": "^2.0.0"}},
        "Manifests": [
            {
                "Platform": {"os": "linux", **platform},
                "Lifecycle": {"run": "python3 {artifacts:path}/app.py"},
                "Artifacts": [{"URI": f"s3://artifacts/{key}"} for key in contents],
            }
        ],
    }
    return greengrass.create_component_version(inlineRecipe=json.dumps(recipe))["arn"]


arns = {version: publish("com.example.A", version) for version in ("1.0.0", "1.1.0", "2.0.0")}
publish("com.example.A", "1.2.0", runtime="wasm")
publish("com.example.A", "1.3.0", architecture="riscv")


def candidate(name="com.example.A", own=None, **requirements):
    asked = {"componentName": name, "versionRequirements": requirements}
    return {**asked, **({"componentVersion": own} if own else {})}


def resolve(asked, device="alpha", **platform):
    attributes = {"os": "linux", "architecture": "amd64", **platform}
    return ask("POST", RESOLVE, {"platform": {"attributes": attributes}, "componentCandidates": [asked]}, device)


assert resolve(candidate())[0] == 403, "no policy allows it yet"
rights = [
    "greengrass:ResolveComponentCandidates",
    "greengrass:GetComponentVersionArtifact",
    "greengrass:ListThingGroupsForCoreDevice",
]
allow = {"Effect": "Allow", "Action": rights, "Resource": "*"}
iot.create_policy(policyName="core", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
(principal,) = iot.list_thing_principals(thingName="alpha")["principals"]
iot.attach_policy(policyName="core", target=principal)


def version(asked, **platform):
    status, said = resolve(asked, **platform)
    assert status == 200, said
    (found,) = said["resolvedComponentVersions"]
    return found["componentVersion"]


assert version(candidate(a=">=1.0.0")) == "2.0.0"
assert version(candidate(a=">=1.0.0", b="<2.0.0")) == "1.1.0"
assert version(candidate(a=">=1.0.0", b="<2.0.0"), runtime="aws_nucleus_lite,wasm") == "1.2.0"
assert version(candidate(a="^1.0.0"), architecture="riscv") == "1.3.0"
assert version(candidate(own="1.0.0", a="^1.0.0")) == "1.0.0", "what it has will do"
assert version(candidate(own="1.0.0", a=">1.0.0")) == "2.0.0"
for wrong in (candidate(a=">2.0.0"), candidate("com.example.None"), candidate("com.example.None", own="1.0.0")):
    status, said = resolve(wrong)
    assert status == 404 and "no usable version" in said["message"], said
status, said = resolve(candidate(a="2.0.0"), os="windows")
assert status == 404 and "claim platform" in said["message"], said
assert resolve(candidate(a="no range at all"))[0] == 400

for name, range, wanted in [
    ("aws.greengrass.TokenExchangeService", "^2.0.0", None),
    ("aws.greengrass.Nucleus", ">=2.6.0 <2.15.0", "2.14.0"),
    ("aws.greengrass.Nucleus", "2.0.5", "2.0.5"),
    ("aws.greengrass.Nucleus", "~2.0.0", None),
    ("aws.greengrass.SecretManager", "*", None),
    ("aws.greengrass.DiskSpooler", "1.0.0", "1.0.0"),
]:
    found = version(candidate(name, a=range))
    assert wanted in (None, found), (name, range, found)
assert version(candidate("aws.greengrass.Nucleus", own="2.9.1", a="^2.0.0")) == "2.9.1"

(found,) = resolve(candidate(a="1.0.0"))[1]["resolvedComponentVersions"]
assert found["arn"] == arns["1.0.0"], found
recipe = json.loads(base64.b64decode(found["recipe"]))
described = recipe["Manifests"][0]["Artifacts"]
assert len({one["Uri"] for one in described}) == 2, "two that are called alike are two"
for one, content in zip(described, contents.values()):
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert (one["Digest"], one["Algorithm"]) == (digest, "SHA-256"), one
    scheme, _, name = one["Uri"].partition(":")
    assert scheme == "greengrass", one
    for arn, name in [(arns["1.0.0"], name), (quote(arns["1.0.0"], safe=""), quote(name, safe=""))]:
        path = f"/greengrass/v2/components/{arn}/artifacts/{name}"
        status, said = ask("GET", path)
        assert status == 200, said
        link = said["preSignedUrl"]
        assert len(link) < 2000, link
        trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
        part = urllib.request.Request(link, headers={"range": "bytes=0-4"})
        with urllib.request.urlopen(link, context=trust) as whole, urllib.request.urlopen(part, context=trust) as some:
            assert whole.read() == content and some.read() == content[:5] and some.status == 206
assert ask("GET", f"/greengrass/v2/components/{arns['1.0.0']}/artifacts/none")[0] == 404

iot.create_thing_group(thingGroupName="site")
iot.create_thing_group(thingGroupName="hall", parentGroupName="site")
iot.add_thing_to_thing_group(thingGroupName="hall", thingName="alpha")
groups = "/greengrass/v2/coreDevices/alpha/thingGroups"
status, said = ask("GET", groups)
assert status == 200, said
assert [one["thingGroupName"] for one in said["thingGroups"]] == ["hall", "site"], said
assert said["thingGroups"][0]["thingGroupArn"].endswith(":thinggroup/hall"), said
assert said["thingGroups"][0]["rootToParentThingGroups"][0]["groupName"] == "site", said

# Others may not.
for device in (None, "stranger", "retired", "beta"):
    assert ask("GET", groups, device=device)[0] == 403, device
    assert resolve(candidate(), device)[0] == 403, device

# Those who sign may, too.
answer = greengrass.resolve_component_candidates(
    platform={"attributes": {"os": "linux"}},
    componentCandidates=[{"componentName": "com.example.A", "versionRequirements": {"a": "^1.0.0"}}],
)
(found,) = answer["resolvedComponentVersions"]
assert found["componentVersion"] == "1.1.0" and json.loads(found["recipe"])["ComponentName"] == "com.example.A"
try:
    greengrass.resolve_component_candidates(
        platform={"attributes": {"os": "linux"}}, componentCandidates=[{"componentName": "com.example.None"}]
    )
    raise AssertionError("it was found")
except ClientError as error:
    assert error.response["Error"]["Code"] == "ResourceNotFoundException", error.response
