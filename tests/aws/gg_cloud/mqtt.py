"""A client of MQTT, 3.1.1 or 5, that waits for what it expects and never longer than it has to."""

import queue
import ssl
import sys
import threading

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PORT, CA, DEVICES = int(sys.argv[1]), sys.argv[2], sys.argv[3]
OLD, NEW = paho.MQTTv311, paho.MQTTv5
PATIENCE = 15


def tls(device):
    context = ssl.create_default_context(cafile=CA)
    context.load_cert_chain(f"{DEVICES}/{device}.pem", f"{DEVICES}/{device}.key")
    return context


class Client:
    def __init__(self, device, name=None, version=NEW, keep=False, will=None, most=None):
        self.version, self.messages, self.done = version, queue.Queue(), {}
        self.connected, self.changed = queue.Queue(), threading.Condition()
        self.ended = threading.Event()
        arguments = {} if version == NEW else {"clean_session": not keep}
        self.paho = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=name or device,
            protocol=version,
            reconnect_on_failure=False,
            **arguments,
        )
        self.paho.tls_set_context(tls(device))
        if will:
            self.paho.will_set(*will)
        self.paho.on_connect = lambda c, u, flags, code, p: self.connected.put((str(code), flags.session_present))
        self.paho.on_disconnect = self._ended
        self.paho.on_message = lambda c, u, message: self.messages.put(message)
        self.paho.on_subscribe = lambda c, u, number, codes, p: self._done(number, [str(code) for code in codes])
        self.paho.on_publish = lambda c, u, number, code, p: self._done(number, str(code))
        arguments = {}
        if version == NEW:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600 if keep else 0
            if most:
                properties.ReceiveMaximum = most
            arguments = {"clean_start": not keep, "properties": properties}
        self.paho.connect("localhost", PORT, 60, **arguments)
        self.paho.loop_start()
        self.code, self.resumed = self.connected.get(timeout=PATIENCE)

    def _ended(self, client, user, flags, code, properties):
        self.why = str(code)
        self.connected.put((self.why, False))
        self.ended.set()
        with self.changed:
            self.changed.notify_all()

    def _done(self, number, code):
        with self.changed:
            self.done[number] = code
            self.changed.notify_all()

    def _wait(self, number):
        with self.changed:
            answered = lambda: number in self.done or self.ended.is_set()
            assert self.changed.wait_for(answered, PATIENCE), "nothing was answered"
            return self.done.get(number, "ended")

    def subscribe(self, *filters):
        return self._wait(self.paho.subscribe([(filter, 1) for filter in filters])[1])

    def publish(self, topic, payload="x", qos=1, retain=False):
        return self._wait(self.paho.publish(topic, payload, qos, retain).mid)

    def next(self):
        message = self.messages.get(timeout=PATIENCE)
        return message.topic, message.payload.decode()

    def cut(self):
        """End without a word, so that the will is published."""
        self.paho.loop_stop()
        self.paho.socket().unwrap = None
        self.paho.socket().close()

    def close(self):
        self.paho.disconnect()
        assert self.ended.wait(PATIENCE)
        self.paho.loop_stop()


def refused(*arguments, **named):
    """Why a connection is refused."""
    try:
        client = Client(*arguments, **named)
    except (OSError, queue.Empty) as error:
        return type(error).__name__
    assert client.code != "Success", "it was accepted"
    return client.code
