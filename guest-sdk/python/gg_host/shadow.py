"""Device shadows. What is left out means this device, and the classic shadow."""

import json
from collections.abc import Iterator
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


class Deltas:
    """The deltas of a shadow; iterate over it, or ask for the next."""

    def __init__(self, inner: shadow.Deltas) -> None:
        self._inner = inner

    def next(self, timeout_ms: int | None = None) -> Any:
        """The next delta; `None`: the component is asked to stop, or the time is up."""
        with host_call():
            text = self._inner.next() if timeout_ms is None else self._inner.next_timeout(timeout_ms)
        return None if text is None else json.loads(text)

    def __iter__(self) -> Iterator[Any]:
        while (delta := self.next()) is not None:
            yield delta


def deltas(name: str | None = None, *, thing: str | None = None) -> Deltas:
    """Watch the difference between the desired and the reported state."""
    with host_call():
        return Deltas(shadow.on_delta(shadow.ShadowId(thing, name)))
