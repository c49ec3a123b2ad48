"""Write components for gg-host in Python.

A component is a module with one function under `@handler` or `@service`. All its imports stand at
the top of the module: the standard library is there while the component is built, and not later.
`gg_host.mqtt`, `shadow`, `secrets` and `inference` are imported by those who use them, because
each is something that the component then asks its host for.
"""

import sys

# The build command runs outside of a component, where there is no host.
if sys.platform == "wasi":
    from . import config, log
    from ._entry import Reject, Retry, handler, service
    from ._host import HostError, Message
    from ._lifecycle import Identity, identity, report_state, stopping
    from ._pubsub import Subscription, next_any, publish, sleep, subscribe

    log.install()

__all__ = [
    "HostError",
    "Identity",
    "Message",
    "Reject",
    "Retry",
    "Subscription",
    "config",
    "handler",
    "identity",
    "log",
    "next_any",
    "publish",
    "report_state",
    "service",
    "sleep",
    "stopping",
    "subscribe",
]
