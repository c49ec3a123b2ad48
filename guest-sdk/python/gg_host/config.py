"""The component's configuration. A path is `"limits.high"`, or a sequence of keys."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wit_world.imports import configuration

from ._host import HostError, host_call, to_json

type Path = str | Sequence[str]


def get(path: Path = "", default: Any = None) -> Any:
    """The value at a path; `default` where there is none."""
    return _value_or(default, lambda: configuration.get(_keys(path)))


def get_of(component: str, path: Path = "", default: Any = None) -> Any:
    """The same of another component, where the recipe grants it."""
    return _value_or(default, lambda: configuration.get_of(component, _keys(path)))


def update(path: Path, value: Any) -> None:
    """Merge a value into the configuration at a path."""
    with host_call():
        configuration.update(_keys(path), to_json(value), None)


class Watcher:
    """The changes at a path and below; iterate over it, or ask for the next."""

    def __init__(self, inner: configuration.Watcher) -> None:
        self._inner = inner

    def next(self, timeout_ms: int | None = None) -> list[str] | None:
        """The path of a value that changed; `None`: asked to stop, or the time is up."""
        with host_call():
            return self._inner.next() if timeout_ms is None else self._inner.next_timeout(timeout_ms)

    def __iter__(self) -> Iterator[list[str]]:
        while (path := self.next()) is not None:
            yield path


def watch(path: Path = "") -> Watcher:
    """Watch the value at a path and everything below it."""
    with host_call():
        return Watcher(configuration.watch(_keys(path)))


def _keys(path: Path) -> list[str]:
    if not isinstance(path, str):
        return list(path)
    return path.split(".") if path else []


def _value_or(default: Any, read: Callable[[], str]) -> Any:
    try:
        with host_call():
            return json.loads(read())
    except HostError as error:
        if error.kind == "not-found":
            return default
        raise
