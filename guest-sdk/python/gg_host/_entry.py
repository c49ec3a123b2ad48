"""What the host calls. The build command makes one of the two classes the component's export."""

import traceback
from collections.abc import Callable

from componentize_py_types import Err

try:
    from wit_world.exports import message_handler as failures
except ImportError:
    # A service has no such export, and needs it for nothing.
    failures = None

from . import log
from ._host import HostError, Message, message


class Reject(Exception):
    """Raised in a handler: the message will never work. Any other exception means the same."""


class Retry(Exception):
    """Raised in a handler: the host shall deliver the message again later."""


_handle: Callable[[Message], object] | None = None
_main: Callable[[], object] | None = None


def handler[F: Callable[[Message], object]](function: F) -> F:
    """Make a function the component's message handler."""
    global _handle
    if _handle is not None:
        raise TypeError("a component has one @handler")
    _handle = function
    return function


def service[F: Callable[[], object]](function: F) -> F:
    """Make a function the component's main program."""
    global _main
    if _main is not None:
        raise TypeError("a component has one @service")
    _main = function
    return function


def handler_is_defined() -> None:
    """Asked while the component is built."""
    if _handle is None:
        raise TypeError("no function is under @handler")


def service_is_defined() -> None:
    """Asked while the component is built."""
    if _main is None:
        raise TypeError("no function is under @service")


class MessageHandler:
    """The export of world `handler`."""

    def handle(self, raw) -> None:
        try:
            assert _handle is not None
            _handle(message(raw))
        except Exception as error:
            raise Err(_failure(error)) from None


class Run:
    """The export of world `service`."""

    def run(self) -> None:
        try:
            assert _main is not None
            _main()
        except Exception as error:
            log.error("the service failed", error=_describe(error), stack=traceback.format_exc())
            raise Err(None) from None


def _failure(error: Exception):
    if isinstance(error, Retry) or (isinstance(error, HostError) and error.kind == "unavailable"):
        return failures.Failure_Retry(str(error))
    if isinstance(error, Reject):
        return failures.Failure_Reject(str(error))
    log.debug("the handler raised", error=_describe(error), stack=traceback.format_exc())
    return failures.Failure_Reject(_describe(error))


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
