"""Sending faster than one may: it takes longer, and nothing is lost. The server takes so many in a second."""

import sys
import time

from mqtt import NEW, OLD, Client

RATE, MESSAGES = int(sys.argv[4]), 60

for version in (OLD, NEW):
    client, other = Client("alpha", version=version), Client("alpha", "alpha#2")
    client.subscribe("alpha/fast")
    begin = time.monotonic()
    sent = [client.paho.publish("alpha/fast", str(number), number % 2) for number in range(MESSAGES)]
    assert other.publish("alpha/other") == "Success"
    assert not sent[-1].is_published(), "others are not held back by it"
    for message in sent:
        message.wait_for_publish(60)
    # Between the two qualities of service there is no order.
    assert sorted(int(client.next()[1]) for _ in sent) == list(range(MESSAGES))
    took, least = time.monotonic() - begin, (MESSAGES - RATE) / RATE
    assert took >= least, f"{took} s, and not {least} s"
    assert all(other.publish("alpha/other") == "Success" for _ in range(RATE // 2))
    other.close()
    client.close()

# What came before another connected by the same name is heard, also if it waited: a goodbye, so that there is no will.
texts = [f"{number:900}" for number in range(MESSAGES)]
watcher = Client("alpha", "alpha#3")
watcher.subscribe("alpha/last", "alpha/will")
client = Client("alpha", version=OLD, will=("alpha/will", "gone", 1, False))
for text in texts:
    client.paho.publish("alpha/last", text, 0)
client.close()
Client("alpha", version=OLD).close()
assert [watcher.next() for _ in texts] == [("alpha/last", text) for text in texts]
assert watcher.publish("alpha/will", "none") == "Success"
assert watcher.next() == ("alpha/will", "none")
watcher.close()
