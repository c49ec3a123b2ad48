"""Things and their groups with boto3: made, described, listed a page at a time, changed, removed."""

import boto3
from botocore.exceptions import ClientError

iot = boto3.client("iot")


def refused(operation, **arguments):
    try:
        getattr(iot, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{operation} was answered")


made = iot.create_thing(thingName="kept", attributePayload={"attributes": {"site": "hall-1", "rack": "7"}})
assert made["thingArn"] == "arn:aws:iot:us-east-1:000000000000:thing/kept", made
again = iot.create_thing(thingName="kept", attributePayload={"attributes": {"site": "hall-1", "rack": "7"}})
assert again["thingId"] == made["thingId"], again
assert refused("create_thing", thingName="kept") == "ResourceAlreadyExistsException"
assert refused("create_thing", thingName="a b") == "InvalidRequestException"
assert refused("describe_thing", thingName="none") == "ResourceNotFoundException"

iot.update_thing(thingName="kept", attributePayload={"attributes": {"rack": "", "row": "2"}, "merge": True}, expectedVersion=1)
assert refused("update_thing", thingName="kept", expectedVersion=1) == "VersionConflictException"
iot.update_thing(thingName="kept", thingTypeName="press")
thing = iot.describe_thing(thingName="kept")
assert thing["attributes"] == {"site": "hall-1", "row": "2"}, thing
assert (thing["version"], thing["thingTypeName"], thing["defaultClientId"]) == (3, "press", "kept"), thing
iot.update_thing(thingName="kept", removeThingType=True)
assert "thingTypeName" not in iot.describe_thing(thingName="kept")

for number in range(5):
    iot.create_thing(thingName=f"t:{number}", attributePayload={"attributes": {"site": f"hall-{number}"}})
pages = list(iot.get_paginator("list_things").paginate(PaginationConfig={"PageSize": 2}))
assert [[thing["thingName"] for thing in page["things"]] for page in pages] == [["kept", "t:0"], ["t:1", "t:2"], ["t:3", "t:4"]], pages
found = iot.list_things(attributeName="site", attributeValue="hall-1")["things"]
assert [thing["thingName"] for thing in found] == ["kept", "t:1"], found
found = iot.list_things(attributeName="site", attributeValue="hall", usePrefixAttributeValue=True, maxResults=1)
assert len(found["things"]) == 1 and found["nextToken"], found
assert refused("list_things", nextToken="?") == "InvalidRequestException"

site = iot.create_thing_group(
    thingGroupName="site", thingGroupProperties={"thingGroupDescription": "all of it", "attributePayload": {"attributes": {"city": "Ulm"}}}
)
assert site["thingGroupArn"] == "arn:aws:iot:us-east-1:000000000000:thinggroup/site", site
iot.create_thing_group(thingGroupName="hall", parentGroupName="site")
assert refused("create_thing_group", thingGroupName="x", parentGroupName="none") == "ResourceNotFoundException"
group = iot.describe_thing_group(thingGroupName="hall")
assert group["thingGroupMetadata"]["parentGroupName"] == "site", group
assert group["thingGroupMetadata"]["rootToParentThingGroups"] == [{"groupName": "site", "groupArn": site["thingGroupArn"]}], group
assert group["thingGroupMetadata"]["creationDate"].year > 2000, group
assert iot.update_thing_group(thingGroupName="site", thingGroupProperties={"thingGroupDescription": "x"}, expectedVersion=1)["version"] == 2
properties = iot.describe_thing_group(thingGroupName="site")["thingGroupProperties"]
assert properties == {"thingGroupDescription": "x", "attributePayload": {"attributes": {"city": "Ulm"}}}, properties
groups = lambda **filter: [group["groupName"] for group in iot.list_thing_groups(**filter)["thingGroups"]]
assert groups() == ["hall", "site"] and groups(recursive=False) == ["site"]
assert groups(parentGroup="site") == ["hall"] and groups(namePrefixFilter="s") == ["site"]

iot.add_thing_to_thing_group(thingGroupName="hall", thingName="t:1")
iot.add_thing_to_thing_group(thingGroupArn=site["thingGroupArn"], thingArn="arn:aws:iot:us-east-1:000000000000:thing/t:2")
assert refused("add_thing_to_thing_group", thingGroupName="site", thingName="t:1") == "InvalidRequestException"
assert refused("add_thing_to_thing_group", thingGroupName="site", thingName="none") == "ResourceNotFoundException"
assert iot.list_things_in_thing_group(thingGroupName="site")["things"] == ["t:2"]
assert iot.list_things_in_thing_group(thingGroupName="site", recursive=True)["things"] == ["t:1", "t:2"]
assert [group["groupName"] for group in iot.list_thing_groups_for_thing(thingName="t:1")["thingGroups"]] == ["hall"]
iot.update_thing_groups_for_thing(thingName="t:1", thingGroupsToAdd=["site"], thingGroupsToRemove=["hall"])
iot.remove_thing_from_thing_group(thingGroupName="site", thingName="t:2")
assert iot.list_things_in_thing_group(thingGroupName="site")["things"] == ["t:1"]
assert refused("delete_thing_group", thingGroupName="site") == "InvalidRequestException"
for name in ("hall", "site", "none"):
    iot.delete_thing_group(thingGroupName=name)
for number in range(5):
    iot.delete_thing(thingName=f"t:{number}")
assert refused("delete_thing", thingName="kept", expectedVersion=1) == "VersionConflictException"

# Types are words that are kept.
made = iot.create_thing_type(thingTypeName="press", thingTypeProperties={"thingTypeDescription": "Presses", "searchableAttributes": ["site"]})
assert made["thingTypeArn"] == "arn:aws:iot:us-east-1:000000000000:thingtype/press", made
again = iot.create_thing_type(thingTypeName="press", thingTypeProperties={"thingTypeDescription": "Presses", "searchableAttributes": ["site"]})
assert again["thingTypeId"] == made["thingTypeId"]
assert refused("create_thing_type", thingTypeName="press") == "ResourceAlreadyExistsException"
assert refused("create_thing_type", thingTypeName="a b") == "InvalidRequestException"
iot.create_thing_type(thingTypeName="lathe")
known = iot.describe_thing_type(thingTypeName="press")
assert known["thingTypeProperties"]["thingTypeDescription"] == "Presses" and not known["thingTypeMetadata"]["deprecated"], known
iot.deprecate_thing_type(thingTypeName="press")
known = iot.describe_thing_type(thingTypeName="press")["thingTypeMetadata"]
assert known["deprecated"] and known["deprecationDate"], known
iot.deprecate_thing_type(thingTypeName="press", undoDeprecate=True)
pages = iot.get_paginator("list_thing_types").paginate(PaginationConfig={"PageSize": 1})
assert [one["thingTypeName"] for page in pages for one in page["thingTypes"]] == ["lathe", "press"]
assert len(iot.list_thing_types(thingTypeName="press")["thingTypes"]) == 1
iot.delete_thing_type(thingTypeName="press")
assert refused("describe_thing_type", thingTypeName="press") == "ResourceNotFoundException"
assert refused("deprecate_thing_type", thingTypeName="press") == "ResourceNotFoundException"

# Tags go with what has them.
ACCOUNT = "arn:aws:iot:us-east-1:000000000000"
TAGS = [{"Key": "a", "Value": "1"}]
text = '{"Version": "2012-10-17", "Statement": []}'
iot.create_thing_group(thingGroupName="tagged", tags=TAGS)
iot.create_policy(policyName="tagged", policyDocument=text, tags=TAGS)
iot.create_role_alias(roleAlias="tagged", roleArn="arn:aws:iam::000000000000:role/Reader", tags=TAGS)
for kind in ("thinggroup", "policy", "rolealias"):
    arn = f"{ACCOUNT}:{kind}/tagged"
    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == TAGS, kind
    iot.tag_resource(resourceArn=arn, tags=[{"Key": "b", "Value": "2"}])
    iot.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "b", "Value": "2"}], kind
iot.delete_thing_group(thingGroupName="tagged")
iot.delete_policy(policyName="tagged")
iot.delete_role_alias(roleAlias="tagged")
for kind in ("thinggroup", "policy", "rolealias", "thing"):
    assert refused("list_tags_for_resource", resourceArn=f"{ACCOUNT}:{kind}/tagged") == "ResourceNotFoundException", kind
iot.create_thing_group(thingGroupName="tagged")
assert iot.list_tags_for_resource(resourceArn=f"{ACCOUNT}:thinggroup/tagged")["tags"] == []
