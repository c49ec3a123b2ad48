"""A step `startup` that says itself when it is up, and goes on."""

import queue

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

client = GreengrassCoreIPCClientV2()
client.update_state(state="RUNNING")
print("said so", flush=True)
queue.Queue().get()
