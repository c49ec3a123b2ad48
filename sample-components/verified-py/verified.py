"""Passes on the messages whose seal is right. Who seals them, the sample `sealed`, has the same secret."""

from gg_host import Message, Reject, config, handler, log, publish, secrets


@handler
def verify(message: Message) -> None:
    text, _, seal = message.text().rpartition(" ")
    # Asked for anew each time: one that was rotated counts from the next message on.
    secret = secrets.get(config.get("secret"))
    if seal != f"{seal_of(secret.reveal(), text):016x}":
        raise Reject("the seal is wrong")
    publish("verified", text)
    # The handle shows nothing of the secret.
    log.info("verified", version=secret.version, secret=repr(secret))


def seal_of(key: str | bytes, text: str) -> int:
    """FNV-1a over both, as the sample `sealed` has it; take an HMAC to keep somebody out."""
    hash = 0xCBF2_9CE4_8422_2325
    for byte in (key.encode() if isinstance(key, str) else key) + text.encode():
        hash = (hash ^ byte) * 0x0100_0000_01B3 % 2**64
    return hash
