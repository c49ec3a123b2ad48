"""Answers each message with a greeting."""

from gg_host import Message, config, handler, log, publish


# Start here: the host calls this once for each message of the topics that recipe.yaml names
# under `subscriptions`.
@handler
def greet(message: Message) -> None:
    greeting = config.get("greeting", "Hello")
    name = message.text()
    log.info("greeting", name=name)
    publish("{{name}}/out", {"text": f"{greeting}, {name}!"})
