"""Jobs with boto3: made, got by things, canceled, listed, deleted, refused."""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(retries={"total_max_attempts": 1})
iot, things = boto3.client("iot", config=once), boto3.client("iot-jobs-data", config=once)
ARN = "arn:aws:iot:us-east-1:000000000000:"


def refused(client, operation, **arguments):
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{operation} was answered")


def counts(job):
    details = iot.describe_job(jobId=job)["job"]["jobProcessDetails"]
    shown = {name[len("numberOf"):-len("Things")]: count for name, count in details.items()}
    return {name: count for name, count in shown.items() if count}


iot.create_thing_group(thingGroupName="fleet")
for name in ("a", "b", "c"):
    iot.create_thing(thingName=name)
    iot.add_thing_to_thing_group(thingName=name, thingGroupName="fleet")

# Made.
made = iot.create_job(
    jobId="first",
    targets=[ARN + "thinggroup/fleet"],
    document=json.dumps({"do": "this"}),
    description="the first",
    timeoutConfig={"inProgressTimeoutInMinutes": 5},
)
assert made["jobArn"] == ARN + "job/first" and made["description"] == "the first", made
job = iot.describe_job(jobId="first")["job"]
assert (job["status"], job["targetSelection"]) == ("IN_PROGRESS", "SNAPSHOT"), job
assert job["targets"] == [ARN + "thinggroup/fleet"] and job["createdAt"].year > 2000, job
assert counts("first") == {"Queued": 3}
assert json.loads(iot.get_job_document(jobId="first")["document"]) == {"do": "this"}

# Got by things.
pending = things.get_pending_job_executions(thingName="a")
assert pending["inProgressJobs"] == [] and pending["queuedJobs"][0]["jobId"] == "first", pending
found = things.describe_job_execution(thingName="a", jobId="$next")["execution"]
assert found["status"] == "QUEUED" and json.loads(found["jobDocument"]) == {"do": "this"}, found
begun = things.start_next_pending_job_execution(thingName="a", statusDetails={"step": "1"})["execution"]
assert begun["status"] == "IN_PROGRESS" and begun["versionNumber"] == 2, begun
assert 0 < begun["approximateSecondsBeforeTimedOut"] <= 300, begun
stale = dict(thingName="a", jobId="first", status="SUCCEEDED", expectedVersion=1)
assert refused(things, "update_job_execution", **stale) == ("ConflictException", 409)
done = things.update_job_execution(
    thingName="a", jobId="first", status="SUCCEEDED", statusDetails={"all": "well"},
    includeJobExecutionState=True, includeJobDocument=True,
)
assert done["executionState"] == {
    "status": "SUCCEEDED", "statusDetails": {"all": "well"}, "versionNumber": 3,
}, done
assert json.loads(done["jobDocument"]) == {"do": "this"}, done
again = dict(thingName="a", jobId="first", status="FAILED")
assert refused(things, "update_job_execution", **again) == ("InvalidStateTransitionException", 409)
assert refused(things, "describe_job_execution", thingName="a", jobId="first") == ("TerminalStateException", 410)
assert "execution" not in things.start_next_pending_job_execution(thingName="a")
execution = iot.describe_job_execution(thingName="a", jobId="first")["execution"]
assert execution["statusDetails"] == {"detailsMap": {"all": "well"}}, execution
assert execution["thingArn"] == ARN + "thing/a" and execution["queuedAt"].year > 2000, execution

# One taken back, and the rest done.
things.start_next_pending_job_execution(thingName="b")
cancel = dict(thingName="b", jobId="first")
assert refused(iot, "cancel_job_execution", **cancel) == ("InvalidStateTransitionException", 409)
assert refused(iot, "cancel_job_execution", force=True, expectedVersion=9, **cancel) == ("VersionConflictException", 409)
iot.cancel_job_execution(force=True, **cancel)
things.update_job_execution(thingName="c", jobId="first", status="REJECTED")
assert counts("first") == {"Succeeded": 1, "Canceled": 1, "Rejected": 1}
assert iot.describe_job(jobId="first")["job"]["status"] == "COMPLETED"

# All of one taken back.
iot.create_job(jobId="second", targets=[ARN + "thinggroup/fleet"], document="{}", targetSelection="CONTINUOUS")
things.start_next_pending_job_execution(thingName="a")
assert refused(iot, "delete_job", jobId="second") == ("InvalidStateTransitionException", 409)
iot.cancel_job(jobId="second", reasonCode="WRONG", comment="not this")
second = iot.describe_job(jobId="second")["job"]
assert (second["status"], second["reasonCode"], second["comment"]) == ("CANCELED", "WRONG", "not this"), second
assert counts("second") == {"InProgress": 1, "Canceled": 2}
iot.cancel_job(jobId="second", force=True)
assert counts("second") == {"Canceled": 3}
assert iot.describe_job_execution(thingName="a", jobId="second")["execution"]["forceCanceled"]

# Taken back because too many fail.
criteria = [{"failureType": "FAILED", "action": "CANCEL", "thresholdPercentage": 50.0, "minNumberOfExecutedThings": 1}]
iot.create_job(jobId="bad", targets=[ARN + "thinggroup/fleet"], document="{}", abortConfig={"criteriaList": criteria})
assert iot.describe_job(jobId="bad")["job"]["abortConfig"] == {"criteriaList": criteria}
things.update_job_execution(thingName="b", jobId="bad", status="FAILED")
assert iot.describe_job(jobId="bad")["job"]["status"] == "CANCELED"
assert counts("bad") == {"Failed": 1, "Canceled": 2}
iot.delete_job(jobId="bad")

# Listed.
iot.create_job(jobId="third", targets=[ARN + "thing/a"], document="{}", namespaceId="ours")
listed = lambda **by: [job["jobId"] for job in iot.list_jobs(**by)["jobs"]]
assert listed() == ["first", "second", "third"], listed()
assert listed(status="COMPLETED") == ["first"]
assert listed(targetSelection="CONTINUOUS") == ["second"]
assert listed(namespaceId="ours") == ["third"]
assert listed(thingGroupName="fleet") == ["first", "second"]
pages = iot.get_paginator("list_job_executions_for_job").paginate(jobId="second", PaginationConfig={"PageSize": 2})
arns = [one["thingArn"] for page in pages for one in page["executionSummaries"]]
assert arns == [ARN + "thing/" + name for name in "abc"], arns
of_c = iot.list_job_executions_for_thing(thingName="c")["executionSummaries"]
assert [(one["jobId"], one["jobExecutionSummary"]["status"]) for one in of_c] == [
    ("second", "CANCELED"), ("first", "REJECTED"),
], of_c
pages = iot.get_paginator("list_job_executions_for_thing").paginate(thingName="a", PaginationConfig={"PageSize": 1})
assert [one["jobId"] for page in pages for one in page["executionSummaries"]] == ["third", "second", "first"]
assert things.get_pending_job_executions(thingName="a")["queuedJobs"] == [], "another namespace"

# Deleted, and refused.
iot.delete_job(jobId="second")
assert refused(iot, "describe_job", jobId="second") == ("ResourceNotFoundException", 404)
same = dict(jobId="first", targets=[ARN + "thing/a"], document="{}")
assert refused(iot, "create_job", **same) == ("ResourceAlreadyExistsException", 409)
for wrong in (
    dict(document="no json"), dict(targets=[ARN + "policy/x"]), dict(document="x" * 32769),
    dict(jobExecutionsRolloutConfig={"maximumPerMinute": 1001}),
    dict(jobExecutionsRetryConfig={"criteriaList": [{"failureType": "ALL", "numberOfRetries": 1}]}),
):
    said = refused(iot, "create_job", **(same | {"jobId": "new"} | wrong))
    assert said == ("InvalidRequestException", 400), (wrong, said)
unknown = same | {"jobId": "new", "targets": [ARN + "thing/unknown"]}
assert refused(iot, "create_job", **unknown) == ("ResourceNotFoundException", 404)
assert refused(things, "update_job_execution", thingName="a", jobId="none", status="FAILED")[1] == 404
