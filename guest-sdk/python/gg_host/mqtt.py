"""MQTT to and from the cloud's broker."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from wit_world.imports import mqtt
from wit_world.imports.types import Qos

from ._host import Message, Payload, host_call, to_payload


@dataclass(frozen=True, slots=True)
class Publication(Message):
    """A message from the cloud's broker."""

    qos: int
    retain: bool
    content_type: str | None
    response_topic: str | None
    correlation_data: bytes | None
    user_properties: tuple[tuple[str, str], ...]


def publish(
    topic: str,
    value: Payload,
    *,
    qos: Literal[0, 1] = 1,
    retain: bool = False,
    content_type: str | None = None,
    response_topic: str | None = None,
    correlation_data: bytes | None = None,
    message_expiry: int | None = None,
    user_properties: Mapping[str, str] | None = None,
) -> None:
    """Publish to the cloud; done once the message is in the device's spool."""
    payload, format = to_payload(value)
    properties = [mqtt.UserProperty(key, text) for key, text in (user_properties or {}).items()]
    with host_call():
        mqtt.publish(
            mqtt.Publication(
                topic=topic,
                payload=payload,
                qos=Qos(qos),
                retain=retain,
                format=format,
                content_type=content_type,
                response_topic=response_topic,
                correlation_data=correlation_data,
                message_expiry=message_expiry,
                user_properties=properties,
            )
        )


def answer(to: Publication, value: Payload) -> bool:
    """Answer a message where it says that an answer is expected; gives whether it does."""
    if to.response_topic is None:
        return False
    publish(to.response_topic, value, correlation_data=to.correlation_data)
    return True


class Subscription:
    """The messages of a filter; iterate over it, or ask for the next."""

    def __init__(self, inner: mqtt.Subscription) -> None:
        self._inner = inner

    def next(self, timeout_ms: int | None = None) -> Publication | None:
        """The next message; `None`: the component is asked to stop, or the time is up."""
        with host_call():
            raw = self._inner.next() if timeout_ms is None else self._inner.next_timeout(timeout_ms)
        if raw is None:
            return None
        return Publication(
            topic=raw.topic,
            payload=raw.payload,
            format="binary" if raw.format is None else raw.format.name.lower(),
            origin="cloud",
            qos=raw.qos.value,
            retain=raw.retain,
            content_type=raw.content_type,
            response_topic=raw.response_topic,
            correlation_data=raw.correlation_data,
            user_properties=tuple((property.key, property.value) for property in raw.user_properties),
        )

    @property
    def dropped(self) -> int:
        """Messages lost so far because the queue was full."""
        return self._inner.dropped()

    def __iter__(self) -> Iterator[Publication]:
        while (received := self.next()) is not None:
            yield received


def subscribe(filter: str, *, qos: Literal[0, 1] = 1) -> Subscription:
    """Subscribe at the cloud's broker."""
    with host_call():
        return Subscription(mqtt.subscribe(filter, Qos(qos)))


def connected() -> bool:
    """Whether the link is up at this moment."""
    return mqtt.connected()
