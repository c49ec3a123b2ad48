"""A remote control: does what the cloud says, and answers where the cloud wants the answer."""

from gg_host import config, log, mqtt, service


@service
def remote() -> None:
    name = config.get("name", "kettle")
    commands = mqtt.subscribe(f"commands/{name}")
    for command in commands:
        done = obey(name, command)
        log.info("asked", **done)
        mqtt.answer(command, done)


def obey(name: str, command: mqtt.Publication) -> dict:
    try:
        return {"name": name, "on": bool(command.json()["on"])}
    except (KeyError, TypeError, ValueError) as error:
        return {"name": name, "error": repr(error)}
