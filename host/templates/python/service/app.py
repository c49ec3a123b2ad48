"""Answers each message with a greeting, and counts them."""

from gg_host import config, log, publish, service, subscribe


# Start here: this runs until the host asks it to stop, which ends the loop.
@service
def main() -> None:
    greeting = config.get("greeting", "Hello")
    count = 0
    for message in subscribe("{{name}}/in"):
        count += 1
        publish("{{name}}/out", {"text": f"{greeting}, {message.text()}!", "count": count})
    log.info("done", count=count)
