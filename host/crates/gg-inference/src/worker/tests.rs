//! A worker over a line in memory, with an engine that does as its input says.

use super::*;
use crate::backend::{Backend, LoadError};
use crate::element::ElementType::I64;
use crate::numbers::{numbers, tensor};
use crate::onnx::proto::{GraphProto, ModelProto, TensorTypeProto, TypeProto, ValueInfoProto};
use prost::Message as _;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread::{JoinHandle, sleep, spawn};

const LIMITS: WorkerLimits = WorkerLimits { body: 1 << 20, outputs: 1 << 10 };

/// What the engine does.
const ECHO: i64 = 0;
const ENDLESS: i64 = 1;
const PANIC: i64 = 2;
const LARGE: i64 = 3;

/// A stream of bytes.
#[derive(Clone, Default)]
struct Stream(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// What is on its way, and whether nothing comes after it.
    bytes: Mutex<(VecDeque<u8>, bool)>,
    come: Condvar,
    looked: AtomicUsize,
}

impl Stream {
    fn close(&self) {
        self.0.bytes.lock().unwrap().1 = true;
        self.0.come.notify_all();
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waiting = self.0.bytes.lock().unwrap();
        let goes_on = |(bytes, closed): &mut (VecDeque<u8>, bool)| bytes.is_empty() && !*closed;
        self.0.come.wait_while(waiting, goes_on).unwrap().0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes.lock().unwrap().0.extend(bytes);
        self.0.come.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Line for Stream {
    fn is_ready(&self) -> bool {
        self.0.looked.fetch_add(1, Ordering::Relaxed);
        let state = self.0.bytes.lock().unwrap();
        !state.0.is_empty() || state.1
    }
}

struct Obedient;

impl Backend for Obedient {
    fn name(&self) -> &'static str {
        "obedient"
    }

    fn load(&self, _: &Model, _: &Options) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(Self))
    }
}

impl Session for Obedient {
    fn run(&mut self, inputs: &[Named], until: &Until) -> Result<Vec<Named>, RunError> {
        match numbers(&inputs[0].1)[0] as i64 {
            ENDLESS => loop {
                until.check()?;
            },
            PANIC => panic!("as it was told"),
            LARGE => Ok(vec![("y".to_owned(), tensor(I64, vec![200], &[0.0; 200]).unwrap())]),
            _ => Ok(inputs.to_vec()),
        }
    }
}

/// A worker and both ends of what it says.
struct Worker {
    to: Stream,
    from: Stream,
    serving: JoinHandle<Result<(), WorkerError>>,
}

impl Worker {
    fn start() -> Self {
        let number = TensorTypeProto { elem_type: 7, shape: None };
        let number = TypeProto { tensor_type: Some(number), ..TypeProto::default() };
        let port = |name: &str| ValueInfoProto { name: name.into(), r#type: Some(number.clone()) };
        let (input, output) = (vec![port("x")], vec![port("y")]);
        let graph = GraphProto { input, output, ..GraphProto::default() };
        let model = ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec();
        let (to, from) = (Stream::default(), Stream::default());
        let (theirs, mut ours) = (to.clone(), from.clone());
        let serving = spawn(move || serve(theirs, from, &[(&Obedient, None)], LIMITS));
        let options = Options::default();
        let load = Request::Load { options, model: model.len() as u64, golden: None };
        wire::write(&mut to.clone(), &load, &[&model]).unwrap();
        let answer = wire::read::<Response>(&mut ours, 1 << 20).unwrap();
        assert!(matches!(answer, Some((Response::Loaded(_), _))), "{answer:?}");
        Self { to, from: ours, serving }
    }

    /// Ask for predictions and call some off, in one piece.
    fn say(&mut self, requests: &[Request]) {
        let mut bytes = Vec::new();
        for request in requests {
            let body = match request {
                Request::Run { id, .. } => (*id as i64 % 10).to_le_bytes().to_vec(),
                _ => Vec::new(),
            };
            wire::write(&mut bytes, request, &[&body]).unwrap();
        }
        self.to.write_all(&bytes).unwrap();
    }

    fn hear(&mut self) -> (u64, Option<RunError>) {
        match wire::read::<Response>(&mut self.from, 1 << 20).unwrap() {
            Some((Response::Done { id, .. }, _)) => (id, None),
            Some((Response::Failed { id, error }, _)) => (id, Some(error)),
            other => panic!("{other:?}"),
        }
    }

    fn end(self) -> Result<(), WorkerError> {
        self.to.close();
        self.serving.join().unwrap()
    }
}

/// A prediction; the last digit of its number says what is done.
fn ask(number: u64, what: i64) -> Request {
    let value = ("x".to_owned(), tensor(I64, vec![1], &[what as f64]).unwrap());
    Request::Run { id: number * 10 + what as u64, inputs: wire::heads(&[value]), millis: None }
}

#[test]
fn predictions_are_answered_in_their_order() {
    let mut worker = Worker::start();
    worker.say(&[ask(1, ECHO), ask(2, LARGE)]);
    assert_eq!(worker.hear(), (10, None));
    let (23, Some(RunError::Failed(reason))) = worker.hear() else { panic!() };
    assert_eq!(reason, "the outputs have 1600 bytes, which is more than 1024");
    // Too late.
    worker.say(&[Request::Cancel { id: 10 }, ask(3, ECHO)]);
    assert_eq!(worker.hear(), (30, None));
    worker.end().unwrap();
}

#[test]
fn a_prediction_is_called_off_before_it_begins_and_in_its_middle() {
    let mut worker = Worker::start();
    // Another is called off as well, and one that nobody asked for.
    let off = |id| Request::Cancel { id };
    worker.say(&[ask(1, ENDLESS), off(7), ask(2, ECHO), off(20), off(11)]);
    assert_eq!(worker.hear(), (11, Some(RunError::Cancelled)));
    assert_eq!(worker.hear(), (20, Some(RunError::Cancelled)));
    worker.say(&[ask(3, ENDLESS)]);
    sleep(Duration::from_millis(20));
    let looked = worker.to.0.looked.load(Ordering::Relaxed);
    assert!((1..=25).contains(&looked), "it looked {looked} times in 20 ms");
    worker.say(&[off(31)]);
    assert_eq!(worker.hear(), (31, Some(RunError::Cancelled)));
    worker.say(&[ask(4, ECHO)]);
    assert_eq!(worker.hear(), (40, None));
    worker.end().unwrap();
}

#[test]
fn a_prediction_ends_when_it_is_late_or_the_host_has_gone() {
    let mut worker = Worker::start();
    let Request::Run { id, inputs, .. } = ask(1, ENDLESS) else { panic!() };
    worker.say(&[Request::Run { id, inputs, millis: Some(5) }]);
    assert_eq!(worker.hear(), (11, Some(RunError::Late)));
    worker.say(&[ask(2, ENDLESS)]);
    worker.end().unwrap();
}

#[test]
fn an_engine_that_panics_is_not_asked_again() {
    let mut worker = Worker::start();
    worker.say(&[ask(1, PANIC), ask(2, ECHO)]);
    assert_eq!(worker.hear(), (12, Some(RunError::Broken("as it was told".to_owned()))));
    assert!(matches!(worker.serving.join().unwrap(), Err(WorkerError::Panicked)));
}

#[test]
fn a_model_comes_first_and_once() {
    let mut worker = Worker::start();
    let load = || Request::Load { options: Options::default(), model: 0, golden: None };
    worker.say(&[load()]);
    assert!(matches!(worker.end(), Err(WorkerError::Order)));
    let mut first = Vec::new();
    wire::write(&mut first, &Request::Cancel { id: 1 }, &[]).unwrap();
    let mut line = Stream::default();
    line.write_all(&first).unwrap();
    let served = serve(line, io::sink(), &[(&Obedient, None)], LIMITS);
    assert!(matches!(served, Err(WorkerError::Order)));
}
