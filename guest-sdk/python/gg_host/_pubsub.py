from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

from wit_world.imports import pubsub

from ._host import Message, Payload, host_call, message, to_payload


def publish(topic: str, value: Payload) -> None:
    """Publish bytes, text, or any other value as JSON."""
    payload, format = to_payload(value)
    with host_call():
        pubsub.publish(topic, payload, format)


class Subscription:
    """The messages of a filter; iterate over it, or ask for the next. A context manager."""

    def __init__(self, inner: pubsub.Subscription) -> None:
        self._inner = inner

    def next(self, timeout_ms: int | None = None) -> Message | None:
        """The next message; `None`: the component is asked to stop, or the time is up."""
        with host_call():
            raw = self._inner.next() if timeout_ms is None else self._inner.next_timeout(timeout_ms)
        return None if raw is None else message(raw)

    @property
    def dropped(self) -> int:
        """Messages lost so far because the queue was full."""
        return self._inner.dropped()

    def __iter__(self) -> Iterator[Message]:
        while (received := self.next()) is not None:
            yield received

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def close(self) -> None:
        """Unsubscribe."""
        self._inner.__exit__(None, None, None)


def subscribe(
    filter: str,
    *,
    receive_mode: Literal["all", "from-others"] | None = None,
    queue: int | None = None,
    when_full: Literal["drop-oldest", "drop-newest", "block"] | None = None,
) -> Subscription:
    """Subscribe to a topic filter."""
    options = pubsub.SubscribeOptions(
        receive_mode=None if receive_mode is None else pubsub.ReceiveMode[_case(receive_mode)],
        queue=queue,
        when_full=None if when_full is None else pubsub.WhenFull[_case(when_full)],
    )
    with host_call():
        return Subscription(pubsub.subscribe_with(filter, options))


def _case(name: str) -> str:
    return name.replace("-", "_").upper()


def next_any(subscriptions: Sequence[Subscription], timeout_ms: int | None = None) -> tuple[Subscription, Message] | None:
    """Wait on several subscriptions: which one, and its message."""
    with host_call():
        arrival = pubsub.next_any([subscription._inner for subscription in subscriptions], timeout_ms)
    return None if arrival is None else (subscriptions[arrival.index], message(arrival.message))


def sleep(ms: int) -> None:
    """Do nothing for so many milliseconds, or until the component is asked to stop."""
    with host_call():
        pubsub.next_any([], ms)
