"""Passes on the temperatures above a threshold."""

from gg_host import Message, Reject, Retry, config, handler, log, publish

seen: set[bytes] = set()


@handler
def filter_reading(message: Message) -> None:
    reading = parse(message)
    if reading.get("retry") is True:
        if message.payload not in seen:
            seen.add(message.payload)
            raise Retry("asked to come again")
        seen.remove(message.payload)

    value = reading["value"]
    if value <= config.get("threshold", 30):
        return
    sensor = message.topic.split("/")[1]
    publish("alerts/temperature", {"sensor": sensor, "value": value})
    log.info("alert", sensor=sensor, value=value)


def parse(message: Message) -> dict:
    try:
        reading = message.json()
    except ValueError:
        raise Reject("the payload is not JSON") from None
    value = reading.get("value") if isinstance(reading, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Reject("the payload has no number in `value`")
    return reading
