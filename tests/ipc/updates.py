"""A component that puts deployments off until there is a file "ready" in its work folder. Prints what it
sees, a line each."""

import os
import queue

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

client = GreengrassCoreIPCClientV2()
events = queue.Queue()
client.subscribe_to_component_updates(on_stream_event=events.put)
print("told of deployments", flush=True)
asked = 0
while True:
    event = events.get()
    if event.pre_update_event:
        asked += 1
        before = event.pre_update_event
        print("before", before.deployment_id, "restarting", before.is_ggc_restarting, flush=True)
        wait = 0 if os.path.exists("ready") else 50
        client.defer_component_update(deployment_id=before.deployment_id, recheck_after_ms=wait)
        print("puts it off," if wait else "agrees,", "asked", asked, "times", flush=True)
    else:
        print("after", event.post_update_event.deployment_id, flush=True)
