from dataclasses import dataclass
from typing import Literal

from wit_world.imports import lifecycle

from ._host import host_call


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the component is."""

    component: str
    version: str
    thing_name: str


def identity() -> Identity:
    """Who this component is."""
    me = lifecycle.describe()
    return Identity(me.component, me.version, me.thing_name)


def report_state(state: Literal["running", "errored"]) -> None:
    """Report that the component is up, or that it wants to be recovered."""
    with host_call():
        lifecycle.update_state(lifecycle.State[state.upper()])


def stopping() -> bool:
    """Whether the component is asked to stop."""
    return lifecycle.stopping()
