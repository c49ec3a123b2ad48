"""One client subscribes and reads nothing, another publishes to it: so many megabytes."""

import socket
import struct
import sys

from mqtt import CA, PORT, Client, tls


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


deaf = tls("alpha").wrap_socket(socket.create_connection(("localhost", PORT)), server_hostname="localhost")
connect = text("MQTT") + bytes([4, 2, 0, 60]) + text("alpha#6")
deaf.sendall(bytes([0x10, len(connect)]) + connect)
assert deaf.recv(4) == bytes([0x20, 2, 0, 0])
subscribe = bytes([0, 1]) + text("alpha/much") + bytes([1])
deaf.sendall(bytes([0x82, len(subscribe)]) + subscribe)
assert deaf.recv(5)[4] == 1
client = Client("alpha")
for _ in range(int(sys.argv[4]) * 8):
    assert client.publish("alpha/much", "x" * 126 * 1024) == "Success"
client.close()
print("published")
