"""Networks that have learnt something: what the samples run."""

import json
from collections.abc import Callable

import numpy as np
import onnx
from sklearn.neural_network import MLPRegressor

import sensors
from golden import Made
from graph import Array, Graph

Rng = np.random.Generator


def autoencoder(rng: Rng) -> Made:
    """Readings of a pump through a bottleneck of two, and how much that changes them."""
    normal, held_out = sensors.pump(rng, 4000), sensors.pump(rng, 4000)
    mean, spread = normal.mean(axis=0), normal.std(axis=0)
    scaled = (normal - mean) / spread
    network = _fit(scaled, scaled, (12, 2, 12))
    model = _autoencoder(network, mean, spread)

    errors = _errors(network, (held_out - mean) / spread)
    threshold = round(float(np.quantile(errors, 0.999)) * 1.25, 3)
    readings, faults = sensors.faulty(rng, 400)
    healthy, broken = readings[faults == 0], readings[faults != 0]
    anomalous = broken[0]
    onnx.helper.set_model_props(
        model,
        {
            "features": json.dumps(sensors.FEATURES),
            "threshold": str(threshold),
            "example.normal": json.dumps([float(str(value)) for value in healthy[0]]),
            "example.anomalous": json.dumps([float(str(value)) for value in anomalous]),
            "accepted.normal": _share(_errors(network, (healthy - mean) / spread) <= threshold),
            "found.anomalous": _share(_errors(network, (broken - mean) / spread) > threshold),
        },
    )
    inputs = [{"sensors": rows} for rows in (healthy[:1], broken[:1], readings[:4])]
    return Made(model, inputs)


def forecast(rng: Rng) -> Made:
    """The temperature of the next 6 hours from that of the last 24."""
    past, after = sensors.windows(sensors.days(rng, 150))
    mean, spread = past.mean(), past.std()
    network = _fit((past - mean) / spread, (after - mean) / spread, (24,))

    graph = Graph("forecast")
    taken = graph.input("past", ["N", sensors.PAST])
    value = _scaled(graph, taken, mean, spread)
    value = _layers(graph, value, network)
    graph.output("next", _unscaled(graph, value, mean, spread), ["N", sensors.NEXT])
    model = graph.model()

    past, after = sensors.windows(sensors.days(rng, 60))
    guessed = network.predict((past - mean) / spread) * spread + mean
    yesterday = past[:, : sensors.NEXT]
    onnx.helper.set_model_props(
        model,
        {
            "unit": "°C",
            "error": str(round(float(np.sqrt(np.mean((guessed - after) ** 2))), 2)),
            "error.yesterday": str(round(float(np.sqrt(np.mean((yesterday - after) ** 2))), 2)),
        },
    )
    return Made(model, [{"past": past[:1]}, {"past": past[100:400:100]}])


def _fit(taken: Array, given: Array, hidden: tuple[int, ...]) -> MLPRegressor:
    network = MLPRegressor(
        hidden_layer_sizes=hidden,
        activation="tanh",
        solver="lbfgs",
        alpha=1e-3,
        max_iter=5000,
        random_state=1,
    )
    return network.fit(taken.astype(np.float64), given.astype(np.float64))


def _errors(network: MLPRegressor, scaled: Array) -> Array:
    return np.asarray(np.mean((network.predict(scaled) - scaled) ** 2, axis=1))


def _share(found: Array) -> str:
    return f"{found.mean():.1%}"


def _autoencoder(network: MLPRegressor, mean: Array, spread: Array) -> onnx.ModelProto:
    graph = Graph("autoencoder")
    taken = graph.input("sensors", ["N", len(sensors.FEATURES)])
    scaled = _scaled(graph, taken, mean, spread)
    value = _layers(graph, scaled, network)
    off = graph.node("Sub", value, scaled)
    error = graph.node("ReduceMean", graph.node("Mul", off, off), axes=[1], keepdims=0)
    again = _unscaled(graph, value, mean, spread)
    graph.output("reconstruction", again, ["N", len(sensors.FEATURES)])
    graph.output("error", error, ["N"])
    return graph.model()


def _scaled(graph: Graph, value: str, mean: Array, spread: Array) -> str:
    by, through = graph.weights(mean, spread)
    return str(graph.node("Div", graph.node("Sub", value, by), through))


def _unscaled(graph: Graph, value: str, mean: Array, spread: Array) -> str:
    by, times = graph.weights(mean, spread)
    return str(graph.node("Add", graph.node("Mul", value, times), by))


def _layers(graph: Graph, value: str, network: MLPRegressor) -> str:
    for index, (weight, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        if index:
            value = graph.node("Tanh", value)
        value = graph.node("Gemm", value, *graph.weights(weight, bias))
    return value


MODELS: dict[str, Callable[[Rng], Made]] = {made.__name__: made for made in (autoencoder, forecast)}
