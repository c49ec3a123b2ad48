"""Deployments with boto3, and a device that speaks MQTT and takes them."""

import json
import sys
import time

import boto3
from botocore.exceptions import ClientError
from mqtt import Client

iot, greengrass = boto3.client("iot"), boto3.client("greengrassv2")
data = boto3.client("iot-data")
HERE = "arn:aws:iot:us-east-1:000000000000"
FLEET = f"{HERE}:thinggroup/fleet"
JOBS, HEALTH = "$aws/things/alpha/jobs", "$aws/things/alpha/greengrassv2/health/json"


def refused(operation, **arguments):
    try:
        getattr(greengrass, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{operation} was answered")


def recipe(name, version):
    return json.dumps(
        {
            "RecipeFormatVersion": "2020-01-25",
            "ComponentName": name,
            "ComponentVersion": version,
            "Manifests": [{"Platform": {"os": "linux"}, "Lifecycle": {"run": "true"}}],
        }
    )


greengrass.create_component_version(inlineRecipe=recipe("com.example.A", "1.0.0"))
iot.create_thing_group(thingGroupName="fleet")
components = {
    "com.example.A": {
        "componentVersion": "1.0.0",
        "configurationUpdate": {"merge": json.dumps({"a": {"b": [1]}}), "reset": ["/c"]},
        "runWith": {"posixUser": "u:g", "systemResourceLimits": {"memory": 65536, "cpus": 0.5}},
    },
    "aws.greengrass.Cli": {"componentVersion": "2.14.0"},
}
policies = {
    "failureHandlingPolicy": "DO_NOTHING",
    "componentUpdatePolicy": {"timeoutInSeconds": 30, "action": "SKIP_NOTIFY_COMPONENTS"},
    "configurationValidationPolicy": {"timeoutInSeconds": 20},
}
settings = {
    "jobExecutionsRolloutConfig": {"maximumPerMinute": 1000},
    "abortConfig": {
        "criteriaList": [
            {
                "failureType": "FAILED",
                "action": "CANCEL",
                "thresholdPercentage": 100,
                "minNumberOfExecutedThings": 5,
            }
        ]
    },
    "timeoutConfig": {"inProgressTimeoutInMinutes": 10},
}


def deploy(target=FLEET, **more):
    return greengrass.create_deployment(targetArn=target, **more)


for wrong, code in [
    ({"targetArn": f"{HERE}:thinggroup/none"}, "ResourceNotFoundException"),
    ({"targetArn": f"{HERE}:cert/none"}, "ValidationException"),
    ({"targetArn": FLEET, "components": {"com.example.A": {"componentVersion": "9.0.0"}}}, "ResourceNotFoundException"),
    ({"targetArn": FLEET, "components": {"com.example.A": {"componentVersion": "1"}}}, "ValidationException"),
    (
        {
            "targetArn": FLEET,
            "components": {
                "com.example.A": {"componentVersion": "1.0.0", "configurationUpdate": {"merge": "[1]"}}
            },
        },
        "ValidationException",
    ),
    (
        {
            "targetArn": FLEET,
            "components": {
                "com.example.A": {"componentVersion": "1.0.0", "configurationUpdate": {"reset": ["c"]}}
            },
        },
        "ValidationException",
    ),
    ({"targetArn": FLEET, "iotJobConfiguration": {"timeoutConfig": {"inProgressTimeoutInMinutes": 0}}}, "ValidationException"),
]:
    assert refused("create_deployment", **wrong) == code, wrong
assert refused("get_deployment", deploymentId="none") == "ResourceNotFoundException"

first = deploy(
    deploymentName="one",
    components=components,
    deploymentPolicies=policies,
    iotJobConfiguration=settings,
    tags={"stage": "test"},
)
known = greengrass.get_deployment(deploymentId=first["deploymentId"])
assert known["iotJobArn"] == first["iotJobArn"] == f"{HERE}:job/{first['iotJobId']}"
expected = {
    "targetArn": FLEET,
    "revisionId": "1",
    "deploymentName": "one",
    "deploymentStatus": "ACTIVE",
    "isLatestForTarget": True,
    "deploymentPolicies": policies,
    "iotJobConfiguration": settings,
    "tags": {"stage": "test"},
}
assert {name: known[name] for name in expected} == expected, known
assert known["components"] == components, known["components"]
arn = f"arn:aws:greengrass:us-east-1:000000000000:deployments:{first['deploymentId']}"
assert greengrass.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test"}
again = deploy(deploymentName="x", clientToken="a-token")
assert deploy(deploymentName="x", clientToken="a-token")["deploymentId"] == again["deploymentId"]

# One who joins later gets the latest.
assert refused("get_core_device", coreDeviceThingName="alpha") == "ResourceNotFoundException"
device = Client("alpha")
notify, update = f"{JOBS}/notify-namespace-aws-gg-deployment", f"{JOBS}/+/namespace-aws-gg-deployment/update/+"
device.subscribe(notify, update, f"{JOBS}/$next/namespace-aws-gg-deployment/get/+")
sequence = 0


def status(**more):
    global sequence
    sequence += 1
    message = {
        "ggcVersion": "2.14.0",
        "platform": "linux",
        "architecture": "amd64",
        "runtime": "gg_host",
        "thing": "alpha",
        "overallDeviceStatus": "HEALTHY",
        "sequenceNumber": sequence,
        "timestamp": int(time.time() * 1000),
        "messageType": "COMPLETE",
        "trigger": "NUCLEUS_LAUNCH",
        "components": [],
    }
    assert device.publish(HEALTH, json.dumps({**message, **more})) == "Success"


def ask(topic, payload):
    assert device.publish(topic, json.dumps(payload)) == "Success"
    while True:
        at, said = device.next()
        if at.startswith(topic):
            assert at == f"{topic}/accepted", (at, said)
            return json.loads(said)


def say(job, state, **details):
    topic = f"{JOBS}/{job}/namespace-aws-gg-deployment/update"
    ask(topic, {"status": state, "statusDetails": {name.replace("_", "-"): text for name, text in details.items()}})


def upcoming():
    answer = ask(f"{JOBS}/$next/namespace-aws-gg-deployment/get", {"includeJobDocument": True})
    return answer.get("execution")


def effective(count=1):
    found = greengrass.list_effective_deployments(coreDeviceThingName="alpha")["effectiveDeployments"]
    assert len(found) == count, found
    return found[0]


status()
assert upcoming() is None
iot.add_thing_to_thing_group(thingGroupName="fleet", thingName="alpha")
topic, said = device.next()
assert topic == notify and list(json.loads(said)["jobs"]) == ["QUEUED"], (topic, said)
execution = upcoming()
document = execution["jobDocument"]
assert (execution["jobId"], document["deploymentId"]) == (again["iotJobId"], again["deploymentId"])
assert effective()["coreDeviceExecutionStatus"] == "QUEUED"

third = deploy(deploymentName="three", components=components)
assert greengrass.get_deployment(deploymentId=again["deploymentId"])["deploymentStatus"] == "INACTIVE"
document = upcoming()["jobDocument"]
assert document["configurationArn"].endswith(":configuration:thinggroup/fleet:3"), document
assert document["components"]["com.example.A"] == {
    "version": "1.0.0",
    "configurationUpdate": {"merge": {"a": {"b": [1]}}, "reset": ["/c"]},
    "runWith": components["com.example.A"]["runWith"],
}
say(third["iotJobId"], "IN_PROGRESS")
assert effective()["coreDeviceExecutionStatus"] == "IN_PROGRESS"
say(
    third["iotJobId"],
    "FAILED",
    detailed_deployment_status="FAILED_ROLLBACK_COMPLETE",
    deployment_failure_cause="no such file",
    deployment_error_stack='["DEPLOYMENT_FAILURE","ARTIFACT_DOWNLOAD_ERROR"]',
    deployment_error_types='["DEPENDENCY_ERROR"]',
)
found = effective()
assert found["coreDeviceExecutionStatus"] == "FAILED", found
assert found["reason"] == "FAILED_ROLLBACK_COMPLETE: no such file", found
assert found["statusDetails"] == {
    "errorStack": ["DEPLOYMENT_FAILURE", "ARTIFACT_DOWNLOAD_ERROR"],
    "errorTypes": ["DEPENDENCY_ERROR"],
}, found
assert (found["targetArn"], found["deploymentName"]) == (FLEET, "three"), found
assert found["iotJobId"] == third["iotJobId"]

# What it says of itself.
status(
    trigger="THING_GROUP_DEPLOYMENT",
    messageType="PARTIAL",
    components=[
        {
            "componentName": "com.example.A",
            "version": "1.0.0",
            "fleetConfigArns": [document["configurationArn"]],
            "isRoot": True,
            "status": "BROKEN",
            "componentStatusDetails": {"statusCodes": ["RUN_ERROR"], "statusReason": "it exits"},
        },
        {
            "componentName": "com.example.B",
            "version": "1.0.0",
            "fleetConfigArns": [document["configurationArn"]],
            "isRoot": False,
            "status": "RUNNING",
        },
    ],
    overallDeviceStatus="UNHEALTHY",
)
core = greengrass.get_core_device(coreDeviceThingName="alpha")
assert (core["status"], core["coreVersion"], core["runtime"]) == ("UNHEALTHY", "2.14.0", "gg_host"), core
for which, count in [
    ({}, 1),
    ({"status": "UNHEALTHY"}, 1),
    ({"status": "HEALTHY"}, 0),
    ({"thingGroupArn": FLEET}, 1),
    ({"runtime": "other"}, 0),
]:
    assert len(greengrass.list_core_devices(**which)["coreDevices"]) == count, which
(root,) = greengrass.list_installed_components(coreDeviceThingName="alpha")["installedComponents"]
assert (root["lifecycleState"], root["lifecycleStatusCodes"]) == ("BROKEN", ["RUN_ERROR"]), root
assert root["lifecycleStateDetails"] == "it exits", root
both = greengrass.get_paginator("list_installed_components").paginate(
    coreDeviceThingName="alpha", topologyFilter="ALL", PaginationConfig={"PageSize": 1}
)
assert [one["componentName"] for page in both for one in page["installedComponents"]] == ["com.example.A", "com.example.B"]

# One that works, and one that is taken back.
fourth = deploy()
say(fourth["iotJobId"], "SUCCEEDED", detailed_deployment_status="SUCCESSFUL")
found = effective()
assert (found["coreDeviceExecutionStatus"], found["reason"]) == ("SUCCEEDED", "SUCCESSFUL"), found
assert greengrass.get_deployment(deploymentId=fourth["deploymentId"])["deploymentStatus"] == "ACTIVE"
fifth = deploy()
assert refused("delete_deployment", deploymentId=fifth["deploymentId"]) == "ConflictException"
assert greengrass.cancel_deployment(deploymentId=fifth["deploymentId"])["message"]
assert refused("cancel_deployment", deploymentId=fifth["deploymentId"]) == "ConflictException"
assert effective()["coreDeviceExecutionStatus"] == "CANCELED"
assert upcoming() is None
greengrass.delete_deployment(deploymentId=fifth["deploymentId"])
assert refused("get_deployment", deploymentId=fifth["deploymentId"]) == "ResourceNotFoundException"

pages = greengrass.get_paginator("list_deployments").paginate(
    targetArn=FLEET, historyFilter="ALL", PaginationConfig={"PageSize": 2}
)
listed = [one["revisionId"] for page in pages for one in page["deployments"]]
assert listed == ["4", "3", "2", "1"], listed
assert greengrass.list_deployments(targetArn=FLEET)["deployments"] == []
sixth = deploy()
(latest,) = greengrass.list_deployments()["deployments"]
assert (latest["deploymentId"], latest["revisionId"]) == (sixth["deploymentId"], "6"), latest

# Who leaves loses it.
assert upcoming()["jobId"] == sixth["iotJobId"]
iot.remove_thing_from_thing_group(thingGroupName="fleet", thingName="alpha")
assert upcoming() is None

# A thing of its own, in a shadow.
SHADOW = "AWSManagedGreengrassV2Deployment"
own = deploy(f"{HERE}:thing/alpha", components={"com.example.A": {"componentVersion": "1.0.0"}})
assert upcoming() is None, "no job tells of it"
shadow = json.load(data.get_thing_shadow(thingName="alpha", shadowName=SHADOW)["payload"])
desired = shadow["state"]["desired"]
assert desired["desiredStatus"] == "SUCCEEDED"
document = json.loads(desired["fleetConfig"])
assert document["deploymentId"] == own["deploymentId"]
base = f"$aws/things/alpha/shadow/name/{SHADOW}/update"
device.subscribe(f"{base}/accepted", f"{base}/rejected")
for state, detailed in [("IN_PROGRESS", None), ("SUCCEEDED", "SUCCESSFUL")]:
    reported = {
        "fleetConfigurationArnForStatus": document["configurationArn"],
        "status": state,
        "ggcVersion": "2.14.0",
        "statusDetails": {"detailedStatus": detailed} if detailed else {},
    }
    ask(base, {"state": {"reported": reported}})
    found = effective(2)
    assert found["coreDeviceExecutionStatus"] == state, found
assert greengrass.get_deployment(deploymentId=own["deploymentId"])["deploymentStatus"] == "COMPLETED"

greengrass.delete_core_device(coreDeviceThingName="alpha")
assert refused("get_core_device", coreDeviceThingName="alpha") == "ResourceNotFoundException"
device.close()
