"""What is asked of the control plane is answered, and kept before it is acknowledged."""

from mqtt import NEW, OLD, Client

for version in (OLD, NEW):
    client = Client("alpha", version=version)
    client.subscribe("$aws/things/alpha/shadow/get/+")
    for _ in range(3):
        assert client.publish("$aws/things/alpha/shadow/get", "") == "Success"
        assert client.next()[0].startswith("$aws/things/alpha/shadow/get/")
    client.subscribe("$aws/things/alpha/greengrassv2/health/json")
    assert client.publish("$aws/things/alpha/greengrassv2/health/json", "{}", retain=True) == "Success"
    assert client.next()[0] == "$aws/things/alpha/greengrassv2/health/json"
    client.close()
    client = Client("alpha", version=version)
    client.subscribe("$aws/things/alpha/greengrassv2/health/json", "alpha/x")
    client.publish("alpha/x")
    assert client.next()[0] == "alpha/x", "nothing of it is retained"
    client.close()
