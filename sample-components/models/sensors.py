"""Synthetic readings, the same on every run: a pump, and the temperature over days."""

import numpy as np

from graph import Array

FEATURES = ["temperature", "ambient", "pressure", "flow", "rpm", "current", "vibration", "sound"]
FAULTS = ["normal", "bearing", "blocked", "dry"]

PAST, NEXT = 24, 6


def pump(rng: np.random.Generator, count: int) -> Array:
    """Readings of a healthy pump, which all follow its load and the weather."""
    load = rng.uniform(0.2, 1.0, count)
    ambient = rng.normal(20.0, 4.0, count)
    exact = np.stack(
        [
            ambient + 35.0 * load,
            ambient,
            1.0 + 4.0 * load**2,
            5.0 + 40.0 * load,
            600.0 + 2400.0 * load,
            2.0 + 10.0 * load**1.5,
            0.5 + 2.5 * load,
            55.0 + 25.0 * load,
        ],
        axis=1,
    )
    noise = rng.normal(0.0, [0.5, 0.2, 0.05, 0.5, 15.0, 0.15, 0.08, 0.6], exact.shape)
    return _rounded(exact + noise)


def faulty(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Readings with the number of the fault that each shows: an index into `FAULTS`."""
    readings = pump(rng, count).astype(np.float64)
    fault = rng.integers(0, len(FAULTS), count)
    bearing, blocked, dry = (fault == kind for kind in (1, 2, 3))
    readings[bearing] *= [1.2, 1.0, 1.0, 1.0, 1.0, 1.1, 2.2, 1.08]
    readings[blocked] *= [1.1, 1.0, 1.6, 0.4, 0.95, 1.25, 1.3, 1.04]
    readings[dry] *= [1.3, 1.0, 0.3, 0.1, 1.08, 0.5, 1.6, 1.1]
    return _rounded(readings), fault.astype(np.int64)


def wear(rng: np.random.Generator, readings: Array) -> Array:
    """Hours until the pump wants service: fewer the hotter and the more shaken it is."""
    hot, shaken = readings[:, 0], readings[:, 6]
    hours = 2000.0 - 14.0 * hot - 180.0 * shaken - 25.0 * np.maximum(hot - 45.0, 0.0)
    return hours + rng.normal(0.0, 20.0, len(readings))


def days(rng: np.random.Generator, count: int) -> Array:
    """The temperature of each hour of so many days."""
    hour = np.arange(24 * count)
    mean = np.repeat(14.0 + np.cumsum(rng.normal(0.0, 0.8, count)) * 0.5, 24)
    swing = np.repeat(rng.uniform(3.0, 7.0, count), 24)
    drift = np.convolve(rng.normal(0.0, 0.3, len(hour) + 5), np.ones(6) / 3.0, "valid")
    curve = mean + swing * np.sin((hour - 9) * 2 * np.pi / 24) + drift
    return np.round(curve, 1)


def windows(curve: Array) -> tuple[Array, Array]:
    """Each stretch of `PAST` hours of the curve, and the `NEXT` hours that follow it."""
    count = len(curve) - PAST - NEXT + 1
    past = np.stack([curve[start : start + PAST] for start in range(count)])
    after = np.stack([curve[start + PAST : start + PAST + NEXT] for start in range(count)])
    return past.astype(np.float32), after.astype(np.float32)


def _rounded(readings: Array) -> Array:
    return np.round(readings, 2).astype(np.float32)
