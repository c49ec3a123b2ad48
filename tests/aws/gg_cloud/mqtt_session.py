"""A session that is left and found again: `leave`, `publish FIRST COUNT`, `return TEXT...`."""

import sys

from mqtt import NEW, OLD, Client

what, arguments = sys.argv[4], sys.argv[5:]
VERSIONS = {"alpha#4": OLD, "alpha#5": NEW}
if what == "publish":
    first, count = map(int, arguments)
    client = Client("alpha", name="alpha")
    for number in range(first, first + count):
        assert client.publish("alpha/kept", str(number)) == "Success"
    client.close()
for name, version in VERSIONS.items():
    if what == "publish":
        break
    client = Client("alpha", name=name, version=version, keep=True)
    assert client.resumed == (what == "return"), name
    if what == "leave":
        client.subscribe("alpha/kept", "$aws/things/alpha/jobs/notify")
    for text in arguments:
        # It is said at least once.
        while (found := client.next()[1]) != text:
            assert found in arguments, (name, found)
    client.close()
