"""What somebody does with a fleet by boto3: publish a component, deploy it, look how it went."""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

THING, GROUP, BUCKET = "Core", "fleet", "artifacts"
ENDED = {"SUCCEEDED", "FAILED", "REJECTED", "CANCELED", "TIMED_OUT"}
DEADLINE = 120

greengrass = boto3.client("greengrassv2")


def put(key: str, path: str) -> Any:
    s3 = boto3.client("s3")
    try:
        s3.create_bucket(Bucket=BUCKET)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    return {"tag": s3.put_object(Bucket=BUCKET, Key=key, Body=Path(path).read_bytes())["ETag"]}


def publish(name: str, version: str, path: str, signed: str = "") -> Any:
    """Of the artifact in a file, with a recipe of its own or with that of another file."""
    key = f"{name}/{version}/component.wasm"
    put(key, path)
    if signed:
        made = greengrass.create_component_version(inlineRecipe=Path(signed).read_bytes())
        return {"arn": made["arn"]}
    access = {
        "aws.greengrass.ipc.pubsub": {
            f"{name}:pubsub:1": {
                "operations": ["aws.greengrass#PublishToTopic"],
                "resources": ["sensors/*"],
            }
        }
    }
    recipe = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": version,
        "ComponentConfiguration": {
            "DefaultConfiguration": {"name": "boiler", "intervalMs": 500, "accessControl": access}
        },
        "Manifests": [
            {
                "Platform": {"runtime": "wasm"},
                "Lifecycle": {"run": "{artifacts:path}/component.wasm"},
                "Artifacts": [{"URI": f"s3://{BUCKET}/{key}"}],
            }
        ],
    }
    made = greengrass.create_component_version(inlineRecipe=json.dumps(recipe))
    return {"arn": made["arn"]}


def order(name: str, version: str, merge: str = "") -> Any:
    """Ask for a deployment to the group, of one component with this merged into its configuration."""
    group = boto3.client("iot").describe_thing_group(thingGroupName=GROUP)["thingGroupArn"]
    component: dict[str, Any] = {"componentVersion": version}
    if merge:
        component["configurationUpdate"] = {"merge": merge}
    made = greengrass.create_deployment(targetArn=group, components={name: component})
    return {"deploymentId": made["deploymentId"]}


def await_end(deployment: str) -> Any:
    """How a deployment has ended on the device, once it has."""
    deadline = time.monotonic() + DEADLINE
    while True:
        for one in effective():
            if one["deploymentId"] == deployment:
                if one["coreDeviceExecutionStatus"] in ENDED:
                    return one
        if time.monotonic() > deadline:
            raise TimeoutError(greengrass.get_deployment(deploymentId=deployment))
        time.sleep(0.1)


def deploy(name: str, version: str, merge: str = "") -> Any:
    return await_end(order(name, version, merge)["deploymentId"])


def effective() -> Any:
    """The deployments of the device."""
    found = greengrass.list_effective_deployments(coreDeviceThingName=THING)
    return found["effectiveDeployments"]


def installed() -> Any:
    """What is heard of the device a moment after its deployment has ended."""
    deadline = time.monotonic() + DEADLINE
    while True:
        found = greengrass.list_installed_components(
            coreDeviceThingName=THING, topologyFilter="ALL"
        )
        components = {
            one["componentName"]: [one["componentVersion"], one["lifecycleState"]]
            for one in found["installedComponents"]
        }
        if any(state == "RUNNING" for _, state in components.values()):
            return components
        if time.monotonic() > deadline:
            raise TimeoutError(components)
        time.sleep(0.1)


def cores() -> Any:
    """The core devices, once there is one."""
    deadline = time.monotonic() + DEADLINE
    while True:
        found = greengrass.list_core_devices()["coreDevices"]
        if found:
            return {one["coreDeviceThingName"]: one["status"] for one in found}
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


def plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value))


def main() -> None:
    action, *arguments = sys.argv[1:]
    actions = {
        "cores": cores,
        "deploy": deploy,
        "effective": effective,
        "end": await_end,
        "installed": installed,
        "order": order,
        "publish": publish,
        "put": put,
    }
    print(json.dumps(actions[action](*arguments), default=plain))


main()
