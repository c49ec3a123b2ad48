"""Components with boto3: made of recipes and objects, described, listed, fetched and deleted."""

import base64
import hashlib
import json
import os
import ssl
import sys
import urllib.error
import urllib.request

import boto3
import yaml
from botocore.exceptions import ClientError

gg, s3 = boto3.client("greengrassv2"), boto3.client("s3")
ARN = "arn:aws:greengrass:us-east-1:000000000000:components:"
context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])


def refused(operation, **arguments):
    try:
        getattr(gg, operation)(**arguments)
    except ClientError as error:
        return error.response
    raise AssertionError(f"{operation} was answered")


def code(response):
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def fetch(url):
    with urllib.request.urlopen(url, context=context) as response:
        return response.read()


YAML = """
RecipeFormatVersion: 2020-01-25
ComponentName: com.example.Hello
ComponentVersion: '1.0.0'
ComponentDescription: Says hello.
ComponentPublisher: Me
ComponentConfiguration:
  DefaultConfiguration: {on: 'yes', text: "1.0", script: "a\\nb: c\\n"}
Manifests:
  - Name: Linux
    Platform: {os: linux, architecture: amd64}
    lifecycle: {run: 'python3 {artifacts:path}/hello.py'}
    Artifacts:
      - URI: s3://bucket/hello/1.0.0/hello é.py
        unarchive: NONE
      - URI: docker:public.ecr.aws/x/y:1
"""

# What is missing is named, before anything is made.
missing = refused("create_component_version", inlineRecipe=YAML)
assert code(missing) == ("ValidationException", 400)
assert missing["reason"] == "FIELD_VALIDATION_FAILED" and missing["fields"][0]["name"] == "inlineRecipe"
assert "{s3://bucket/hello/1.0.0/hello é.py = Specified artifact resource cannot be accessed}" in missing["Error"]["Message"]

s3.create_bucket(Bucket="bucket")
s3.put_object(Bucket="bucket", Key="hello/1.0.0/hello é.py", Body=b"print('hello')")
made = gg.create_component_version(inlineRecipe=YAML, tags={"a": "1"}, clientToken="token")
assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
assert made["arn"] == ARN + "com.example.Hello:versions:1.0.0" and made["status"]["componentState"] == "REQUESTED"
again = gg.create_component_version(inlineRecipe=YAML, tags={"a": "1"}, clientToken="token")
assert again["arn"] == made["arn"] and again["creationTimestamp"] == made["creationTimestamp"]
exists = refused("create_component_version", inlineRecipe=YAML)
assert code(exists) == ("ConflictException", 409) and exists["resourceType"] == "component"
assert exists["Error"]["Message"] == "Component [com.example.Hello : 1.0.0] for account [000000000000] already exists"

# The recipe comes back in both formats, with the digest that the server computed.
digest = base64.b64encode(hashlib.sha256(b"print('hello')").digest()).decode()
got = gg.get_component(arn=made["arn"])
recipe = json.loads(got["recipe"])
artifact = recipe["Manifests"][0]["Artifacts"][0]
assert got["recipeOutputFormat"] == "JSON" and got["tags"] == {"a": "1"}
assert artifact == {"Uri": "s3://bucket/hello/1.0.0/hello é.py", "Unarchive": "NONE", "Digest": digest, "Algorithm": "SHA-256"}
assert recipe["RecipeFormatVersion"] == "2020-01-25" and "Lifecycle" in recipe["Manifests"][0]
assert "Digest" not in recipe["Manifests"][0]["Artifacts"][1]
text = gg.get_component(arn=made["arn"], recipeOutputFormat="YAML")["recipe"].decode()
assert not text.startswith("{") and yaml.safe_load(text) == recipe, text

described = gg.describe_component(arn=made["arn"])
assert described["status"]["componentState"] == "DEPLOYABLE"
assert described["platforms"] == [{"name": "Linux", "attributes": {"os": "linux", "architecture": "amd64"}}]
assert (described["description"], described["publisher"]) == ("Says hello.", "Me")

# An artifact is what it was, whatever becomes of the object.
NAME = "bucket/hello/1.0.0/hello é.py"
url = gg.get_component_version_artifact(arn=made["arn"], artifactName=NAME)["preSignedUrl"]
s3.put_object(Bucket="bucket", Key="hello/1.0.0/hello é.py", Body=b"changed")
assert fetch(url) == b"print('hello')"
s3.delete_object(Bucket="bucket", Key="hello/1.0.0/hello é.py")
assert fetch(url) == b"print('hello')"
none = refused("get_component_version_artifact", arn=made["arn"], artifactName="none")
assert code(none) == ("ResourceNotFoundException", 404)

# JSON, many versions and names, in pages.
def make(name, version):
    recipe = {"RecipeFormatVersion": "2020-01-25", "ComponentName": name, "ComponentVersion": version}
    return gg.create_component_version(inlineRecipe=json.dumps(recipe))


for version in ("1.9.0", "1.10.0", "1.2.0"):
    make("com.example.Many", version)
for number in range(5):
    make(f"com.example.N{number}", "1.0.0")
pages = gg.get_paginator("list_component_versions").paginate(
    arn=ARN + "com.example.Many", PaginationConfig={"PageSize": 2})
versions = [version["componentVersion"] for page in pages for version in page["componentVersions"]]
assert versions == ["1.10.0", "1.9.0", "1.2.0"], versions
assert gg.list_component_versions(arn=ARN + "com.example.Unknown")["componentVersions"] == []
pages = gg.get_paginator("list_components").paginate(PaginationConfig={"PageSize": 2})
found = [component for page in pages for component in page["components"]]
names = [component["componentName"] for component in found]
assert names == ["com.example.Hello", "com.example.Many"] + [f"com.example.N{n}" for n in range(5)], names
assert found[1]["arn"] == ARN + "com.example.Many"
assert found[1]["latestVersion"]["componentVersion"] == "1.10.0"

# What AWS provides is listed, described and given as well, and is nobody's here to change.
PUBLIC = "arn:aws:greengrass:us-east-1:aws:components:"
pages = gg.get_paginator("list_components").paginate(scope="PUBLIC", PaginationConfig={"PageSize": 7})
public = {component["componentName"]: component for page in pages for component in page["components"]}
wanted = ("Nucleus", "NucleusLite", "Cli", "TokenExchangeService", "ShadowManager", "SecretManager", "LogManager",
          "DiskSpooler", "DockerApplicationManager", "StreamManager", "LocalDebugConsole")
assert {f"aws.greengrass.{name}" for name in wanted} <= set(public), public.keys()
cli = public["aws.greengrass.Cli"]
assert cli["arn"] == PUBLIC + "aws.greengrass.Cli"
newest = cli["latestVersion"]["arn"]
assert newest == f'{cli["arn"]}:versions:{cli["latestVersion"]["componentVersion"]}'
versions = gg.list_component_versions(arn=cli["arn"])["componentVersions"]
assert [version["arn"] for version in versions] == [newest], versions
for arn in (newest, PUBLIC + "aws.greengrass.Nucleus:versions:2.9.1"):
    recipe = json.loads(gg.get_component(arn=arn)["recipe"])
    described = gg.describe_component(arn=arn)
    assert described["arn"] == arn and described["status"]["componentState"] == "DEPLOYABLE"
    assert arn.endswith(f'{recipe["ComponentName"]}:versions:{recipe["ComponentVersion"]}')
unknown = PUBLIC + "aws.greengrass.Unknown"
assert gg.list_component_versions(arn=unknown)["componentVersions"] == []
assert code(refused("get_component", arn=unknown + ":versions:1.0.0")) == ("ResourceNotFoundException", 404)
assert code(refused("delete_component", arn=newest)) == ("ResourceNotFoundException", 404)
assert code(refused("tag_resource", resourceArn=newest, tags={"a": "1"})) == ("ResourceNotFoundException", 404)
assert code(refused("list_components", scope="OTHER")) == ("ValidationException", 400)
assert code(refused("list_components", nextToken="=")) == ("ValidationException", 400)

gg.tag_resource(resourceArn=made["arn"], tags={"b": "2", "c d": "3"})
gg.untag_resource(resourceArn=made["arn"], tagKeys=["a", "c d"])
assert gg.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"b": "2"}
assert code(refused("tag_resource", resourceArn=made["arn"], tags={"aws:x": "1"})) == ("ValidationException", 400)
assert code(refused("tag_resource", resourceArn=ARN + "none:versions:1.0.0", tags={"x": "1"})) == ("ResourceNotFoundException", 404)

for wrong in ("", "{", "RecipeFormatVersion: 2020-01-25", "a: &a [*a]"):
    assert refused("create_component_version", inlineRecipe=wrong)["reason"] == "CANNOT_PARSE", wrong
unserved = refused("get_service_role_for_account")
assert code(unserved) == ("ValidationException", 400) and unserved["reason"] == "UNKNOWN_OPERATION"
assert code(refused("list_client_devices_associated_with_core_device", coreDeviceThingName="x"))[1] in (200, 404)

gg.delete_component(arn=made["arn"])
gone = refused("get_component", arn=made["arn"])
assert code(gone) == ("ResourceNotFoundException", 404)
assert (gone["resourceId"], gone["resourceType"]) == (made["arn"], "component")
try:
    fetch(url)
    sys.exit("the artifact is still there")
except urllib.error.HTTPError as error:
    assert error.code == 404
