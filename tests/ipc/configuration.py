"""Configuration with both clients of the AWS IoT Device SDK. Prints what it sees, a line each."""

import datetime
import queue

import awsiot.greengrasscoreipc
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import (
    ConfigurationValidityReport,
    ConfigurationValidityStatus,
    FailedUpdateConditionCheckError,
    GetConfigurationRequest,
    InvalidArgumentsError,
    ResourceNotFoundError,
    UnauthorizedError,
    UpdateConfigurationRequest,
)

TIMEOUT = 60

first = awsiot.greengrasscoreipc.connect()
second = GreengrassCoreIPCClientV2()


def say(*words):
    print(*words, flush=True)


def get_v1(path):
    operation = first.new_get_configuration()
    operation.activate(GetConfigurationRequest(key_path=path))
    return operation.get_response().result(TIMEOUT).value


def update_v1(path, value):
    operation = first.new_update_configuration()
    now = datetime.datetime.now(datetime.timezone.utc)
    operation.activate(UpdateConfigurationRequest(key_path=path, value_to_merge=value, timestamp=now))
    operation.get_response().result(TIMEOUT)


def refused(what, call):
    try:
        call()
        say("v2", what, "allowed")
    except (
        FailedUpdateConditionCheckError,
        InvalidArgumentsError,
        ResourceNotFoundError,
        UnauthorizedError,
    ) as error:
        say("v2", what, type(error).__name__, error.message)


say("v1 all", get_v1([]))
mode = second.get_configuration(key_path=["mode"])
say("v2 leaf", mode.value, "of", mode.component_name)
say("v2 container", second.get_configuration(component_name="com.example.Python", key_path=["nested"]).value)
refused("missing", lambda: second.get_configuration(key_path=["nested", "none"]))
refused("another's", lambda: second.get_configuration(component_name="com.example.Relay"))
refused("protected", lambda: second.update_configuration(
    key_path=["accessControl"], value_to_merge={"a": 1}, timestamp=datetime.datetime.now()))

changes = queue.Queue()


def changed(event):
    changes.put(event)
    change = event.configuration_update_event
    say("v2 changed", change.component_name, change.key_path)


second.subscribe_to_configuration_update(
    key_path=[], on_stream_event=changed, on_stream_error=lambda error: say("error", error)
)
update_v1(["nested"], {"new": {"a": None}})
changes.get(timeout=TIMEOUT)
say("v1 changed", {"new": get_v1(["nested"])["new"]})
refused("old", lambda: second.update_configuration(
    key_path=["nested", "new"], value_to_merge={"a": 2},
    timestamp=datetime.datetime.fromtimestamp(1000)))


def validate(event):
    proposed = event.validate_configuration_update_event
    wild = proposed.configuration["Mode"] == "wild"
    report = ConfigurationValidityReport(
        status=ConfigurationValidityStatus.REJECTED if wild else ConfigurationValidityStatus.ACCEPTED,
        deployment_id=proposed.deployment_id,
        message="too wild for me" if wild else None,
    )
    second.send_configuration_validity_report(configuration_validity_report=report)


second.subscribe_to_validate_configuration_updates(on_stream_event=validate)
say("ready")

# Until it is stopped.
queue.Queue().get()
