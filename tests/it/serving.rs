//! Models as the core serves them: who waits for whom, what is made together, who makes room.

use crate::model::{hostile, sample_model};
use gg_host::capability::caller::{Caller, Operation};
use gg_host::capability::inference::{Inference, InferenceError, Model, RunOptions};
use gg_host::inference::worker::ModelFiles;
use gg_host::metrics::ModelFigures;
use gg_host::tasks::Tasks;
use gg_inference::numbers::tensor;
use gg_inference::{ElementType, Named};
use gg_model::{
    AccessPolicy, BatchSettings, ComponentVersion, InferenceSettings, Limits, ModelDeclaration,
    NucleusSettings,
};
use serde_json::json;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The core, with nothing around it.
struct Bench {
    inference: Inference,
    stop: CancellationToken,
    tasks: Tasks,
}

impl Bench {
    fn new(models: &[Model], memory: Option<u64>) -> Self {
        let settings = NucleusSettings {
            inference: InferenceSettings { memory, ..InferenceSettings::default() },
            ..NucleusSettings::default()
        };
        let (tasks, stop) = (Tasks::new(None).unwrap(), CancellationToken::new());
        let (_, told) = watch::channel(Arc::new(settings));
        let inference = Inference::new(told, tasks.clone(), stop.clone());
        inference.install(models, Vec::new());
        Self { inference, stop, tasks }
    }

    fn figures(&self, model: &str) -> ModelFigures {
        let all = self.inference.figures();
        all.into_iter().find(|one| one.model_name == model).unwrap()
    }

    async fn until(&self, model: &str, what: impl Fn(&ModelFigures) -> bool) {
        while !what(&self.figures(model)) {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.finish().await;
    }
}

fn model(name: &str, path: &Path, declaration: ModelDeclaration) -> Model {
    Model {
        name: name.parse().unwrap(),
        version: ComponentVersion::ZERO,
        files: ModelFiles { model: path.to_owned(), golden: None },
        declaration,
    }
}

fn caller(name: &str) -> Caller {
    let (run, mut policy) = (Operation::RunInference, AccessPolicy::default());
    policy.allow(run.service(), run.name(), "*").unwrap();
    let (name, thing) = (name.parse().unwrap(), "thing".parse().unwrap());
    Caller::new(name, ComponentVersion::ZERO, thing, policy, Limits::default())
}

fn row(value: f64) -> Vec<Named> {
    vec![("x".to_owned(), tensor(ElementType::Fp32, vec![1, 8], &[value; 8]).unwrap())]
}

/// Without holding anybody up, as for processes.
fn now() -> RunOptions {
    RunOptions::default()
}

fn within(millis: u64) -> RunOptions {
    RunOptions { deadline: Some(Duration::from_millis(millis)), ..now() }
}

/// Begin a future, and leave it.
async fn begin<F: Future + Unpin>(future: &mut F) {
    poll_fn(|context| {
        assert!(std::pin::Pin::new(&mut *future).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn predictions_that_wait_are_made_together() {
    let batch = BatchSettings { max: 8, delay: Duration::from_secs(50) };
    let declaration = ModelDeclaration { batch: Some(batch), ..ModelDeclaration::default() };
    let mlp = sample_model("mlp");
    let models = [model("batched", &mlp, declaration), model("plain", &mlp, Default::default())];
    let bench = Bench::new(&models, None);
    let callers: Vec<Caller> = (0..8).map(|number| caller(&format!("c{number}"))).collect();
    let (inference, callers) = (&bench.inference, &callers);
    let ask = |model: &'static str| {
        let asked = callers.iter().enumerate().map(move |(number, caller)| async move {
            inference.run(caller, model, row(number as f64 / 4.0), now()).await.unwrap()
        });
        futures_util::future::join_all(asked)
    };
    let (together, alone) = (ask("batched").await, ask("plain").await);
    for (together, alone) in together.iter().zip(&alone) {
        assert_eq!(together[0].1.shape(), [1, 3]);
        let tolerance = gg_inference::golden::Tolerance { absolute: 1e-6, relative: 1e-5 };
        assert_eq!(gg_inference::golden::compare(together, alone, tolerance), Ok(()));
    }
    let figures = bench.figures("batched");
    assert_eq!((figures.calls, figures.runs, figures.errors), (8, 1, 0));
    assert_eq!(bench.figures("plain").runs, 8);
    bench.end().await;
}

#[tokio::test]
async fn the_queue_has_an_end_for_each_component() {
    let declaration = ModelDeclaration { queue: Some(1), ..ModelDeclaration::default() };
    let bench = Bench::new(&[model("slow", &hostile("long_run.onnx"), declaration)], None);
    let [a, b] = ["a", "b"].map(caller);
    let info = bench.inference.describe(&a, "slow").await.unwrap();
    let inputs = gg_inference::backend::made_up(&info.inputs).unwrap();
    let run = |caller| bench.inference.run(caller, "slow", inputs.clone(), now());
    let mut first = pin!(run(&a));
    begin(&mut first).await;
    bench.until("slow", |figures| figures.runs == 1).await;
    let mut waits = pin!(run(&a));
    begin(&mut waits).await;
    assert_eq!(bench.figures("slow").waiting, 1);
    let refused = run(&a).await;
    assert!(matches!(refused, Err(InferenceError::Full { most: 1, .. })), "{refused:?}");
    // That is no reason to refuse another.
    let mut other = pin!(run(&b));
    begin(&mut other).await;
    assert_eq!(bench.figures("slow").waiting, 2);
}

#[tokio::test]
async fn a_prediction_that_nobody_waits_for_is_called_off() {
    let bench = Bench::new(&[model("slow", &hostile("long_run.onnx"), Default::default())], None);
    let a = caller("a");
    let info = bench.inference.describe(&a, "slow").await.unwrap();
    let inputs = gg_inference::backend::made_up(&info.inputs).unwrap();
    for runs in 1..4 {
        let mut run = Box::pin(bench.inference.run(&a, "slow", inputs.clone(), now()));
        begin(&mut run).await;
        bench.until("slow", |figures| figures.runs == runs).await;
        drop(run);
    }
    let brief = bench.inference.run(&a, "slow", inputs, within(20)).await;
    assert!(matches!(brief, Err(InferenceError::Late { .. })), "{brief:?}");
    let figures = bench.figures("slow");
    assert_eq!((figures.late, figures.crashes), (1, 0));
    bench.end().await;
}

#[tokio::test]
async fn who_may_be_held_up_is_answered_all_the_same() {
    let slow = hostile("long_run.onnx");
    let models = [
        model("mlp", &sample_model("mlp"), Default::default()),
        model("slow", &slow, Default::default()),
    ];
    let bench = Bench::new(&models, None);
    let a = caller("a");
    let held = |millis| RunOptions { hold: Duration::from_millis(millis), ..now() };
    let alone = bench.inference.run(&a, "mlp", row(0.5), now()).await.unwrap();
    for hold in [60_000, 0, 60_000] {
        let made = bench.inference.run(&a, "mlp", row(0.5), held(hold)).await.unwrap();
        assert_eq!(made, alone);
    }
    // What is not done by then is waited for in the other way, and others after it.
    let info = bench.inference.describe(&a, "slow").await.unwrap();
    let inputs = gg_inference::backend::made_up(&info.inputs).unwrap();
    let options = RunOptions { hold: Duration::from_millis(1), ..within(50) };
    let first = bench.inference.run(&a, "slow", inputs.clone(), options);
    let second = bench.inference.run(&a, "slow", inputs, options);
    let (first, second) = tokio::join!(first, second);
    for late in [first, second] {
        assert!(matches!(late, Err(InferenceError::Late { .. })), "{late:?}");
    }
    let figures = bench.figures("slow");
    assert_eq!((figures.calls, figures.crashes), (2, 0));
    bench.end().await;
}

#[tokio::test]
async fn a_model_rests_for_what_is_not_its_share() {
    let declared = json!({ "slow": { "artifact": "slow.onnx", "cpu": 0.001 } });
    let declared = json!({ "models": declared });
    let declaration = gg_model::model::from_configuration(&declared).unwrap().remove("slow");
    let bench = Bench::new(&[model("slow", &hostile("long_run.onnx"), declaration.unwrap())], None);
    let a = caller("a");
    let info = bench.inference.describe(&a, "slow").await.unwrap();
    let inputs = gg_inference::backend::made_up(&info.inputs).unwrap();
    for millis in [50, 100] {
        let late = bench.inference.run(&a, "slow", inputs.clone(), within(millis)).await;
        assert!(matches!(late, Err(InferenceError::Late { .. })), "{late:?}");
        // The first has taken fifty milliseconds; the second was to wait for fifty seconds.
        bench.until("slow", |figures| figures.runs == 1).await;
    }
    bench.end().await;
}

#[tokio::test]
async fn models_make_room_for_one_another() {
    let models =
        ["mlp", "forecast"].map(|name| model(name, &sample_model(name), Default::default()));
    let bench = Bench::new(&models, Some(16 << 20));
    let a = caller("a");
    for _ in 0..2 {
        bench.inference.run(&a, "mlp", row(1.0), now()).await.unwrap();
        assert!(bench.figures("mlp").loaded && !bench.figures("forecast").loaded);
        assert!(bench.figures("mlp").memory_bytes.unwrap() > 0);
        let past = tensor(ElementType::Fp32, vec![1, 24], &[15.0; 24]).unwrap();
        let past = vec![("past".to_owned(), past)];
        bench.inference.run(&a, "forecast", past, now()).await.unwrap();
        assert!(!bench.figures("mlp").loaded && bench.figures("forecast").loaded);
    }
    let figures = bench.figures("mlp");
    assert_eq!((figures.loads, figures.evictions, figures.errors), (2, 2, 0));
    bench.end().await;
}

#[tokio::test]
async fn a_model_that_cannot_be_run_is_not_tried_again_at_once() {
    let bench = Bench::new(&[model("none", &hostile("truncated.onnx"), Default::default())], None);
    let a = caller("a");
    for _ in 0..3 {
        let refused = bench.inference.run(&a, "none", row(1.0), now()).await;
        assert!(matches!(refused, Err(InferenceError::Load { .. })), "{refused:?}");
    }
    assert_eq!(bench.figures("none").loads, 0);
    bench.end().await;
}

#[tokio::test]
async fn a_model_is_swapped_under_those_who_ask() {
    let mlp = |version: &str| Model {
        version: version.parse().unwrap(),
        ..model("mlp", &sample_model("mlp"), Default::default())
    };
    let bench = Bench::new(&[mlp("1.0.0")], None);
    let (a, mut versions) = (caller("a"), Vec::new());
    for version in ["2.0.0", "3.0.0"] {
        versions.push(bench.inference.describe(&a, "mlp").await.unwrap().version.to_string());
        let mut asked: Vec<_> = (0..16)
            .map(|number| Box::pin(bench.inference.run(&a, "mlp", row(number.into()), now())))
            .collect();
        for one in &mut asked {
            begin(one).await;
        }
        let next = mlp(version);
        let ready = bench.inference.prepare(&next).await.unwrap();
        assert!(ready.is_some());
        bench.inference.install(std::slice::from_ref(&next), ready.into_iter().collect());
        assert!(bench.inference.prepare(&next).await.unwrap().is_none(), "it serves already");
        for one in asked {
            one.await.unwrap();
        }
    }
    assert_eq!(versions, ["1.0.0", "2.0.0"]);
    assert_eq!(bench.inference.describe(&a, "mlp").await.unwrap().version.to_string(), "3.0.0");
    let figures = bench.figures("mlp");
    assert_eq!((figures.calls, figures.errors), (32, 0));
    bench.inference.install(&[], Vec::new());
    let gone = bench.inference.run(&a, "mlp", row(0.0), now()).await;
    assert!(matches!(gone, Err(InferenceError::NotFound(_))), "{gone:?}");
    bench.end().await;
}
