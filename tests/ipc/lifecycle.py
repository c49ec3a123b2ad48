"""Other components and local deployments, with AWS's client. Prints what it sees, a line each."""

import queue
import sys
import time

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import (
    ComponentNotFoundError,
    InvalidArgumentsError,
    InvalidRecipeDirectoryPathError,
    InvalidTokenError,
    ResourceNotFoundError,
    ServiceError,
    UnauthorizedError,
)

OTHER = "com.example.Ticker"
recipes, artifacts = sys.argv[1:]
client = GreengrassCoreIPCClientV2()


def say(*words):
    print(*words, flush=True)


def refused(what, call):
    try:
        call()
        say(what, "allowed")
    except (
        ComponentNotFoundError,
        InvalidArgumentsError,
        InvalidRecipeDirectoryPathError,
        InvalidTokenError,
        ResourceNotFoundError,
        ServiceError,
        UnauthorizedError,
    ) as error:
        say(what, type(error).__name__, error.message)


def until(look, wanted):
    """The nucleus has no event for it."""
    while (seen := look()) != wanted:
        time.sleep(0.05)
    return seen


def state():
    return client.get_component_details(component_name=OTHER).component_details.state


say("components", sorted((c.component_name, c.version, c.state) for c in client.list_components().components))
details = client.get_component_details(component_name=OTHER).component_details
say("details", details.component_name, details.version, details.state, details.configuration)
refused("nobody", lambda: client.get_component_details(component_name="com.example.Nobody"))
refused("not running", lambda: client.resume_component(component_name=OTHER))
client.pause_component(component_name=OTHER)
say("paused")
client.resume_component(component_name=OTHER)
say("resumed")
say("restart", client.restart_component(component_name=OTHER).restart_status)
until(state, "RUNNING")
say("stop", client.stop_component(component_name=OTHER).stop_status)
say("state", until(state, "FINISHED"))

deployment = client.create_local_deployment(
    recipe_directory_path=recipes,
    artifacts_directory_path=artifacts,
    root_component_versions_to_add={OTHER: "2.0.0"},
).deployment_id


def status():
    return client.get_local_deployment_status(deployment_id=deployment).deployment


say("deployment", until(lambda: status().status, "SUCCEEDED"))
say("detail", status().deployment_status_details.detailed_deployment_status, status().created_on[-3:])
say("listed", deployment in [d.deployment_id for d in client.list_local_deployments().local_deployments])
say("version", client.get_component_details(component_name=OTHER).component_details.version)
say("cancel", client.cancel_local_deployment(deployment_id=deployment).message is not None)
refused("nonsense", lambda: client.get_local_deployment_status(deployment_id="nonsense"))
refused("unknown", lambda: client.get_local_deployment_status(
    deployment_id="00000000-0000-4000-8000-000000000000"))
refused("relative", lambda: client.create_local_deployment(recipe_directory_path="recipes"))

client.update_state(state="RUNNING")
say("state reported")
client.subscribe_to_component_updates(on_stream_event=say)
refused("defer", lambda: client.defer_component_update(deployment_id=deployment, recheck_after_ms=0))
refused("token", lambda: client.validate_authorization_token(token="x"))
refused("cloud", lambda: client.publish_to_iot_core(topic_name="t", qos="0", payload=b""))
refused("secret", lambda: client.get_secret_value(secret_id="s"))
debug = client.create_debug_password()
say("debug", debug.username, len(debug.password), debug.certificate_sha256_hash)
say("done")

# Until it is stopped.
queue.Queue().get()
