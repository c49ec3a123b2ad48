"""Device shadows. What is left out means this device, and the classic shadow."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from wit_world.imports import shadow

from ._host import host_call, to_json


def get(name: str | None = None, *, thing: str | None = None) -> Any:
    """The shadow document."""
    with host_call():
        return json.loads(shadow.get(shadow.ShadowId(thing, name)))


def update(document: Any, name: str | None = None, *, thing: str | None = None) -> Any:
    """Update with a request document, for example `{"state": {"reported": {"on": True}}}`."""
    with host_call():
        return json.loads(shadow.update(shadow.ShadowId(thing, name), to_json(document)))


def report(state: Any, name: str | None = None, *, thing: str | None = None) -> None:
    """Say what is so. Members are merged, and one that is `None` is taken away."""
    update({"state": {"reported": state}}, name, thing=thing)


def desire(state: Any, name: str | None = None, *, thing: str | None = None) -> None:
    """Say what is wanted. Members are merged, and one that is `None` is taken away."""
    update({"state": {"desired": state}}, name, thing=thing)


def delete(name: str | None = None, *, thing: str | None = None) -> None:
    """Delete the shadow."""
    with host_call():
        shadow.delete(shadow.ShadowId(thing, name))


def names(*, thing: str | None = None) -> Iterator[str]:
    """The names of a thing's named shadows."""
    token = None
    while True:
        with host_call():
            page = shadow.list_named(thing, 25, token)
        yield from page.names
        token = page.next_token
        if token is None:
            return


@dataclass(frozen=True, slots=True)
class Delta[T]:
    """What is wanted of a device and not reported: the members that differ, and no others."""

    state: T
    version: int
    """The shadow's version."""
    timestamp: int
    """When it was looked at, in seconds since the Unix epoch."""


class Deltas[T]:
    """The differences of a shadow; iterate over it, or ask for the next. Who is slow sees the last."""

    def __init__(self, inner: shadow.Deltas, of: Callable[..., T]) -> None:
        self._inner = inner
        self._of = of

    def next(self, timeout_ms: int | None = None) -> Delta[T] | None:
        """The next one; `None`: the component is asked to stop, or the time is up."""
        with host_call():
            text = self._inner.next() if timeout_ms is None else self._inner.next_timeout(timeout_ms)
        if text is None:
            return None
        delta = json.loads(text)
        return Delta(self._of(**delta["state"]), delta["version"], delta["timestamp"])

    def __iter__(self) -> Iterator[Delta[T]]:
        while (delta := self.next()) is not None:
            yield delta


def on_delta[T](
    name: str | None = None, *, thing: str | None = None, of: Callable[..., T] = dict
) -> Deltas[T]:
    """Watch what is wanted and not reported. What is so now comes at once.

    `of` makes a state of its members: a dataclass, say, whose members all have defaults.
    """
    with host_call():
        return Deltas(shadow.on_delta(shadow.ShadowId(thing, name)), of)
