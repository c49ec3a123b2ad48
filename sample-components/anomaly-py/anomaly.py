"""Watches pumps: raises an alert for each reading that a model finds odd."""

from gg_host import Message, Reject, config, handler, inference, log, publish

# What the model takes, in this order.
SENSORS = ["temperature", "ambient", "pressure", "flow", "rpm", "current", "vibration", "sound"]


@handler
def watch(message: Message) -> None:
    reading = message.json()
    try:
        values = [float(reading[sensor]) for sensor in SENSORS]
    except (KeyError, TypeError) as error:
        raise Reject(f"not a reading: {error}") from None
    outputs = inference.run("anomaly", [inference.Tensor.of("sensors", [1, 8], "fp32", values)])
    # How far the reading is from those of a healthy pump.
    [error] = outputs["error"].values("fp32")
    if error <= config.get("threshold", 0.03):
        return
    pump = message.topic.split("/")[1]
    model = inference.describe("anomaly")
    by = {"version": model.version, "digest": model.digest}
    publish("alerts/pump", {"pump": pump, "error": error, "model": by})
    log.info("odd", pump=pump, error=error)
