import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from componentize_py_types import Err
from wit_world.imports import types as wit

type Payload = bytes | bytearray | str | int | float | bool | None | list[Any] | dict[str, Any]
type Origin = Literal["local", "cloud"]
type Format = Literal["binary", "json"]


class HostError(Exception):
    """Why the host did not do what was asked.

    `kind` is `unauthorized`, `not-found`, `invalid-argument`, `conflict`, `unavailable` or `internal`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def host_call() -> Iterator[None]:
    """Turn the binding's error into a `HostError`."""
    try:
        yield
    except Err as error:
        # Named `Error_NotFound` and so on.
        case = type(error.value).__name__.removeprefix("Error_")
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", case).lower()
        raise HostError(kind, error.value.value) from None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it reaches a component."""

    topic: str
    payload: bytes
    format: Format
    origin: Origin

    def text(self) -> str:
        """The payload as text; raises `UnicodeDecodeError`, a `ValueError`, if it is not UTF-8."""
        return self.payload.decode()

    def json(self) -> Any:
        """The payload as a JSON value; raises `ValueError` if it is none."""
        return json.loads(self.payload, parse_constant=_not_json)


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def message(raw: wit.Message) -> Message:
    return Message(raw.topic, raw.payload, raw.format.name.lower(), raw.origin.name.lower())


def to_payload(value: Payload) -> tuple[bytes, wit.PayloadFormat]:
    """Bytes stay, text is UTF-8, anything else becomes JSON."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value), wit.PayloadFormat.BINARY
    if isinstance(value, str):
        return value.encode(), wit.PayloadFormat.BINARY
    return to_json(value).encode(), wit.PayloadFormat.JSON


def to_json(value: Any) -> str:
    """JSON as other languages write it."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
