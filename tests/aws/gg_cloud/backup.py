"""What a server keeps, with boto3: `backup.py fill` makes it, `backup.py check` finds it again, with the
same key. `backup.py churn` puts and replaces objects until it is ended, and says when it goes on."""

import sys
from itertools import count

import boto3

s3, gg, iot = boto3.client("s3"), boto3.client("greengrassv2"), boto3.client("iot")
sm, data = boto3.client("secretsmanager"), boto3.client("iot-data")
RECIPE = """
RecipeFormatVersion: 2020-01-25
ComponentName: com.example.Kept
ComponentVersion: '1.0.0'
Manifests:
  - Platform: {os: linux}
    Artifacts: [{URI: s3://bucket/artifact}]
"""
BODY = bytes(range(256)) * 5000
GROUP = "arn:aws:iot:us-east-1:000000000000:thinggroup/hall"
(do,) = sys.argv[1:]


def fill():
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="artifact", Body=BODY)
    gg.create_component_version(inlineRecipe=RECIPE)
    iot.create_thing(thingName="press", attributePayload={"attributes": {"site": "hall-1"}})
    iot.create_thing_group(thingGroupName="hall")
    iot.add_thing_to_thing_group(thingGroupName="hall", thingName="press")
    certificate = iot.create_keys_and_certificate(setAsActive=True)["certificateArn"]
    iot.attach_thing_principal(thingName="press", principal=certificate)
    gg.create_deployment(targetArn=GROUP, components={"com.example.Kept": {"componentVersion": "1.0.0"}})
    sm.create_secret(Name="db", SecretString="hunter2")
    data.update_thing_shadow(thingName="press", payload='{"state": {"desired": {"a": 1}}}')


def check():
    assert s3.get_object(Bucket="bucket", Key="artifact")["Body"].read() == BODY
    arn = "arn:aws:greengrass:us-east-1:000000000000:components:com.example.Kept:versions:1.0.0"
    assert gg.get_component_version_artifact(arn=arn, artifactName="bucket/artifact")["preSignedUrl"]
    assert iot.describe_thing(thingName="press")["attributes"] == {"site": "hall-1"}
    assert iot.list_things()["things"][1:] == []
    (principal,) = iot.list_thing_principals(thingName="press")["principals"]
    assert iot.describe_certificate(certificateId=principal.split("/")[1])["certificateDescription"]["status"] == "ACTIVE"
    (deployment,) = gg.list_deployments()["deployments"]
    assert (deployment["targetArn"], deployment["deploymentStatus"]) == (GROUP, "ACTIVE")
    (queued,) = iot.list_job_executions_for_thing(thingName="press")["executionSummaries"]
    assert queued["jobExecutionSummary"]["status"] == "QUEUED"
    assert sm.get_secret_value(SecretId="db")["SecretString"] == "hunter2"
    assert b'"a":1' in data.get_thing_shadow(thingName="press")["payload"].read()


def churn():
    for number in count():
        # Each replaces another, which then goes.
        s3.put_object(Bucket="bucket", Key=str(number % 7), Body=f"{number}".encode() * 1000)
        if number % 20 == 19:
            print(number, flush=True)


{"fill": fill, "check": check, "churn": churn}[do]()
