"""As many subscriptions as a client may have, and no more: also if its session goes on."""

from mqtt import NEW, OLD, Client

MOST = 50

for version, refusal in ((OLD, "Unspecified error"), (NEW, "Quota exceeded")):
    client = Client("alpha", version=version, keep=True)
    granted = client.subscribe(*(f"alpha/{number}" for number in range(MOST + 2)))
    assert granted == ["Granted QoS 1"] * MOST + [refusal] * 2, granted
    assert client.subscribe("alpha/7") == ["Granted QoS 1"]
    client.close()

    client = Client("alpha", version=version, keep=True)
    assert client.resumed
    assert client.subscribe("alpha/one-more") == [refusal]
    assert client.publish("alpha/7") in ("Success", "Normal disconnection"), client.done
    assert client.next() == ("alpha/7", "x")
    client.paho.unsubscribe("alpha/7")
    assert client.subscribe("alpha/one-more") == ["Granted QoS 1"]
    assert client.subscribe("alpha/7") == [refusal]
    client.close()

    # A session that begins anew has none.
    client = Client("alpha", version=version)
    assert client.subscribe("alpha/7", "alpha/one-more") == ["Granted QoS 1"] * 2
    client.close()
