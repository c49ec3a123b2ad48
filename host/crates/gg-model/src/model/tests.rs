use super::*;
use serde_json::json;

fn read(models: Value) -> Result<BTreeMap<ModelName, ModelDeclaration>, String> {
    from_configuration(&json!({ "models": models })).map_err(|error| error.to_string())
}

#[test]
fn a_model_is_declared_with_how_it_is_run() {
    let models = read(json!({
        "a": {"artifact": "a.onnx"},
        "b": {
            "Artifact": "archive/b.onnx", "golden": "b.golden.json", "format": "ONNX",
            "backend": "tract", "device": "cpu", "threads": 2, "memory": "64MiB",
            "cpu": 0.25, "deadlineMs": 250, "queue": 8, "batch": {"max": 16, "delayMs": 2},
        },
        "gone": null,
    }));
    let models = models.unwrap();
    assert_eq!(models.len(), 2);
    let plain = ModelDeclaration { artifact: "a.onnx".to_owned(), ..ModelDeclaration::default() };
    assert_eq!(models["a"], plain);
    let whole = &models["b"];
    assert_eq!((whole.threads, whole.memory, whole.queue), (Some(2), Some(64 << 20), Some(8)));
    let second = Duration::from_secs(1);
    assert_eq!(whole.cpu.unwrap().rest_after(second), Duration::from_secs(3));
    let batch = BatchSettings { max: 16, delay: Duration::from_millis(2) };
    assert_eq!((whole.batch, whole.deadline), (Some(batch), Some(Duration::from_millis(250))));
}

#[test]
fn what_is_meant_otherwise_is_left_alone() {
    for other in [json!(5), json!(["x"]), json!({"a": "b"}), json!({"a": {"path": "x"}}), json!({})]
    {
        assert_eq!(read(other), Ok(BTreeMap::new()));
    }
    assert_eq!(from_configuration(&json!(null)), Ok(BTreeMap::new()));
}

#[test]
fn errors_name_the_key() {
    for (models, words) in [
        (json!({"a": {"artifact": 5}}), "models.a.artifact: expected text"),
        (json!({"a b": {"artifact": "x"}}), "models[\"a b\"]: the model name `a b` contains ' '"),
        (json!({"a": {"artifact": "../x"}}), "models.a.artifact: expected the name of one of"),
        (json!({"a": {"artifact": "/etc/x"}}), "models.a.artifact: expected the name of one of"),
        (json!({"a": {"artifact": "x//y"}}), "models.a.artifact: expected the name of one of"),
        (
            json!({"a": {"artifact": "x", "format": "tflite"}}),
            "models.a.format: expected one of `onnx`",
        ),
        (
            json!({"a": {"artifact": "x", "thread": 1}}),
            "models.a.thread: is not a known key; is it `threads`?",
        ),
        (
            json!({"a": {"artifact": "x", "threads": 0}}),
            "models.a.threads: expected a whole number",
        ),
        (json!({"a": {"artifact": "x", "cpu": 0}}), "models.a.cpu: expected a number such as 0.5"),
        (json!({"a": {"artifact": "x", "memory": "5"}}), "models.a.memory: expected 1MiB at least"),
        (
            json!({"a": {"artifact": "x", "batch": {"delayMs": 5}}}),
            "models.a.batch.max: is required",
        ),
        (json!({"a": {"artifact": "x"}, "b": {}}), "models.b.artifact: is required but missing"),
    ] {
        let error = read(models).unwrap_err();
        assert!(error.starts_with(words), "{error}");
    }
    let many: Map<String, Value> =
        (0..=MAX_MODELS).map(|n| (format!("m{n}"), json!({"artifact": "x"}))).collect();
    assert!(read(many.into()).unwrap_err().contains("at most 100"));
}
