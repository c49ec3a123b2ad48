"""A lamp: does what its shadow wants of it, and says how it is."""

from dataclasses import dataclass
from typing import Any

from gg_host import log, service, shadow


@dataclass
class Light:
    """What can be wanted of it. A delta has the members that differ, and no others."""

    on: bool | None = None
    brightness: int | None = None

    def __post_init__(self) -> None:
        if self.brightness is not None:
            # No lamp is brighter than this.
            self.brightness = min(self.brightness, 100)

    def reported(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value is not None}


@service
def lamp() -> None:
    wanted = shadow.on_delta("light", of=Light)
    while True:
        try:
            delta = wanted.next()
        except TypeError as error:
            log.warn("not what a lamp can do", error=repr(error))
            continue
        if delta is None:
            return
        light = delta.state.reported()
        log.info("switching", **light)
        shadow.report(light, "light")
