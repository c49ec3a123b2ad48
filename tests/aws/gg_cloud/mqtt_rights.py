"""What a client may do and what it is told otherwise, with both versions of MQTT."""

from mqtt import NEW, OLD, Client, refused

for version in (OLD, NEW):
    assert refused("alpha", name="beta", version=version) == "Not authorized"
    assert refused("alpha", name="alphabet", version=version) == "Not authorized"
    for topic in ("beta/will", "$aws/things/alpha/shadow/update"):
        assert refused("alpha", version=version, will=(topic, "gone", 1, False)) == "Not authorized", topic
    client = Client("alpha", version=version)
    granted = client.subscribe("alpha/#", "beta/x", "$share/g/beta/x", "#", "$share/g/alpha/shared")
    assert [code.startswith("Granted") for code in granted] == [True, False, False, False, True], granted
    assert client.publish("alpha/x", "mine") == "Success"
    assert client.next() == ("alpha/x", "mine")
    for topic in ("beta/x", "$aws/things/alpha/shadow/update/accepted", "$aws/things/alpha/jobs/notify", "$SYS/x"):
        told = client.publish(topic)
        if version == NEW:
            assert told == "Not authorized", (topic, told)
            assert client.publish(topic, qos=0) == "Success", "nothing is said to what is not acknowledged"
        else:
            # There are no words for it: the message is not acknowledged, and the connection ends.
            assert told == "ended", (topic, told)
            client = Client("alpha", version=version)
            client.publish(topic, qos=0)
            assert client.ended.wait(15), topic
            client = Client("alpha", version=version)
    client.subscribe("alpha/#")
    assert client.publish("alpha/x", "still here") == "Success"
    assert client.next() == ("alpha/x", "still here")
    client.close()

# Nobody is told who they are that publish, beyond what the library tells of clients.
client = Client("alpha")
client.subscribe("alpha/x")
client.publish("alpha/x")
properties = dict(client.messages.get(timeout=15).properties.UserProperty)
assert set(properties) <= {"x-mqtt-client-id"}, properties
client.close()
