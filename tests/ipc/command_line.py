"""What the command line is let in by, with AWS's client."""

import json
import os
import sys
from datetime import datetime, timezone

with open(sys.argv[1]) as file:
    info = json.load(file)
os.environ["SVCUID"] = info["cli_auth_token"]
os.environ["AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"] = info["domain_socket_path"]

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2  # noqa: E402
from awsiot.greengrasscoreipc.model import ResourceNotFoundError  # noqa: E402

client = GreengrassCoreIPCClientV2()
components = client.list_components().components
print("components", sorted((one.component_name, one.state) for one in components))
print("restart", client.restart_component(component_name="com.example.Ticker").restart_status)
try:
    # An operator is no component, and has no configuration.
    client.update_configuration(
        key_path=[], value_to_merge={"a": 1}, timestamp=datetime.now(timezone.utc)
    )
except ResourceNotFoundError as error:
    print("configuration", type(error).__name__)
client.close()
