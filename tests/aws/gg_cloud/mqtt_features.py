"""Wills, what is retained, clients of one name, and packets that are too large, with both versions."""

from mqtt import NEW, OLD, Client

for version in (OLD, NEW):
    watcher = Client("alpha", name="alpha#2", version=version)
    watcher.subscribe("alpha/will", "alpha/state")

    client = Client("alpha", version=version, will=("alpha/will", "gone", 1, False))
    client.cut()
    assert watcher.next() == ("alpha/will", "gone")
    client = Client("alpha", version=version, will=("alpha/will", "gone", 1, False))
    client.close()

    first = Client("alpha", version=version)
    second = Client("alpha", version=version)
    assert first.ended.wait(15)
    assert first.why == ("Session taken over" if version == NEW else "Unspecified error"), first.why
    assert second.publish("alpha/state", "on", retain=True) == "Success"
    assert watcher.next() == ("alpha/state", "on"), "and no will of one that said goodbye"
    second.subscribe("alpha/state")
    message = second.messages.get(timeout=15)
    assert (message.payload, message.retain) == (b"on", True)
    second.publish("alpha/state", "", retain=True)
    assert second.next() == ("alpha/state", "")
    third = Client("alpha", name="alpha#3", version=version)
    third.subscribe("alpha/state")
    third.publish("alpha/state", "off")
    assert third.next() == ("alpha/state", "off"), "what was retained is gone"
    third.close()

    assert second.publish("alpha/large", "x" * (127 * 1024)) == "Success"
    assert second.publish("alpha/large", "x" * (129 * 1024)) in ("ended", "Packet too large")
    watcher.close()
