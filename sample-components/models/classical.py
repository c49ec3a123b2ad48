"""Models of scikit-learn, as skl2onnx writes them: `ai.onnx.ml`, and dimensions without a name."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, OneClassSVM

import sensors
from golden import Made
from graph import IR_VERSION, OPSET, Array

Rng = np.random.Generator

# scikit-learn 1.11 will have other ways to what these models are exported with.
warnings.filterwarnings("ignore", category=FutureWarning, module="sklearn")

ROWS = 600
OPSETS = {"": OPSET, "ai.onnx.ml": 3}


def gbt_classifier(rng: Rng) -> Made:
    """Gradient-boosted trees: which fault a pump has."""
    readings, faults = sensors.faulty(rng, ROWS)
    trees = GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=1)
    return _made("gbt_classifier", trees.fit(readings, faults), readings, zipmap=False)


def gbt_regressor(rng: Rng) -> Made:
    """Gradient-boosted trees: hours until a pump wants service."""
    readings = sensors.pump(rng, ROWS)
    trees = GradientBoostingRegressor(n_estimators=30, max_depth=3, random_state=1)
    return _made("gbt_regressor", trees.fit(readings, sensors.wear(rng, readings)), readings)


def isolation_forest(rng: Rng) -> Made:
    """Isolation forest: 1 for usual readings, -1 for odd ones."""
    forest = IsolationForest(n_estimators=10, max_samples=64, contamination=0.02, random_state=1)
    return _made("isolation_forest", forest.fit(sensors.pump(rng, ROWS)), _mixed(rng))


def scaler_logreg(rng: Rng) -> Made:
    """StandardScaler, then logistic regression: which fault a pump has."""
    readings, faults = sensors.faulty(rng, ROWS)
    steps = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return _made("scaler_logreg", steps.fit(readings, faults), readings, zipmap=False)


def one_class_svm(rng: Rng) -> Made:
    """StandardScaler, then a one-class SVM: 1 for usual readings, -1 for odd ones."""
    steps = make_pipeline(StandardScaler(), OneClassSVM(nu=0.05, gamma=0.1))
    return _made("one_class_svm", steps.fit(sensors.pump(rng, ROWS)), _mixed(rng))


def kmeans(rng: Rng) -> Made:
    """StandardScaler, then k-means: the nearest of four states of a pump, and the way to each."""
    readings, _ = sensors.faulty(rng, ROWS)
    steps = make_pipeline(StandardScaler(), KMeans(4, n_init=3, random_state=1))
    return _made("kmeans", steps.fit(readings), readings)


def forest_zipmap(rng: Rng) -> Made:
    """Random forest as skl2onnx exports it unasked: its probabilities are a sequence of maps."""
    readings, faults = sensors.faulty(rng, ROWS)
    return _made("forest_zipmap", _forest().fit(readings, faults), readings)


def forest_strings(rng: Rng) -> Made:
    """Random forest whose classes are words."""
    readings, faults = sensors.faulty(rng, ROWS)
    words = np.array(sensors.FAULTS)[faults]
    return _made("forest_strings", _forest().fit(readings, words), readings, zipmap=False)


def norm_svc(rng: Rng) -> Made:
    """StandardScaler, Normalizer, then an SVM with the probabilities of four classes."""
    readings, faults = sensors.faulty(rng, 200)
    machine = SVC(gamma=1.0, probability=True, random_state=1)
    steps = make_pipeline(StandardScaler(), Normalizer(), machine)
    return _made("norm_svc", steps.fit(readings, faults), readings, zipmap=False)


def svc_scores(rng: Rng) -> Made:
    """StandardScaler, then an SVM that gives each class's score instead of its probability."""
    readings, faults = sensors.faulty(rng, 200)
    steps = make_pipeline(StandardScaler(), SVC(kernel="linear"))
    return _made("svc_scores", steps.fit(readings, faults), readings, zipmap=False)


def gbt_binary(rng: Rng) -> Made:
    """Gradient-boosted trees with two classes: leaves vote for the second alone."""
    readings, faults = sensors.faulty(rng, ROWS)
    trees = GradientBoostingClassifier(n_estimators=10, max_depth=2, random_state=1)
    return _made(
        "gbt_binary", trees.fit(readings, (faults > 0).astype(np.int64)), readings, zipmap=False
    )


def forest_binary(rng: Rng) -> Made:
    """Random forest with two classes."""
    readings, faults = sensors.faulty(rng, ROWS)
    return _made(
        "forest_binary",
        _forest().fit(readings, (faults > 0).astype(np.int64)),
        readings,
        zipmap=False,
    )


def logreg_binary(rng: Rng) -> Made:
    """StandardScaler, then logistic regression with two classes."""
    readings, faults = sensors.faulty(rng, ROWS)
    steps = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return _made(
        "logreg_binary", steps.fit(readings, (faults > 0).astype(np.int64)), readings, zipmap=False
    )


def svc_binary(rng: Rng) -> Made:
    """StandardScaler, then an SVM with two classes and its scores."""
    readings, faults = sensors.faulty(rng, 200)
    steps = make_pipeline(StandardScaler(), SVC(gamma=0.1))
    return _made(
        "svc_binary", steps.fit(readings, (faults > 0).astype(np.int64)), readings, zipmap=False
    )


def linear_regressor(rng: Rng) -> Made:
    """Linear regression: hours until a pump wants service."""
    readings = sensors.pump(rng, ROWS)
    line = LinearRegression().fit(readings, sensors.wear(rng, readings))
    return _made("linear_regressor", line, readings)


def _forest() -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=8, max_depth=5, random_state=1)


def _mixed(rng: Rng) -> Array:
    """Sound readings and odd ones."""
    return np.concatenate([sensors.pump(rng, 3), sensors.faulty(rng, 8)[0]])


def _made(name: str, estimator: BaseEstimator, readings: Array, zipmap: bool | None = None) -> Made:
    options: dict[str, Any] = {} if zipmap is None else {"zipmap": zipmap}
    model: onnx.ModelProto = to_onnx(
        estimator,
        initial_types=[("x", FloatTensorType([None, len(sensors.FEATURES)]))],
        name=name,
        options={id(estimator): options} if options else None,
        target_opset=OPSETS,
    )
    model.ir_version = IR_VERSION
    return Made(model, [{"x": readings[:1]}, {"x": readings[1:8]}])


MODELS: dict[str, Callable[[Rng], Made]] = {
    made.__name__: made
    for made in (
        gbt_classifier,
        gbt_regressor,
        isolation_forest,
        scaler_logreg,
        one_class_svm,
        kmeans,
        forest_zipmap,
        forest_strings,
        norm_svc,
        svc_scores,
        gbt_binary,
        forest_binary,
        logreg_binary,
        svc_binary,
        linear_regressor,
    )
}
