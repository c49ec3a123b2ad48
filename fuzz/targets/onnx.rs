//! Models, golden vectors, and what host and worker say to each other. A model that can be read is run,
//! where the evaluator of classical models knows all of it.
#![no_main]

use gg_inference::Model;
use gg_inference::backend::classical::Classical;
use gg_inference::backend::{Backend, Options, Until, made_up};
use gg_inference::check::check;
use gg_inference::golden::{Golden, compare};
use gg_inference::wire::{self, Request, Response};
use std::time::{Duration, Instant};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Model::read(bytes.to_vec().into()) {
        run(&model);
    }
    if let Ok(golden) = Golden::parse(bytes) {
        for case in &golden.cases {
            compare(&case.outputs, &case.outputs, golden.tolerance).unwrap();
        }
    }
    if let Ok(Some((Request::Run { inputs, .. }, body))) = wire::read(&mut &*bytes, 1 << 20)
        && let Ok(tensors) = wire::tensors(inputs.clone(), body)
    {
        assert_eq!(wire::heads(&tensors), inputs);
    }
    let _ = wire::read::<Response>(&mut &*bytes, 1 << 20);
});

fn run(model: &Model) {
    let Ok(mut session) = Classical.load(model, &Options::default()) else { return };
    let Some(inputs) = made_up(model.inputs()) else { return };
    check(model.inputs(), &inputs).unwrap();
    let deadline = Some(Instant::now() + Duration::from_millis(500));
    let _ = session.run(&inputs, &Until { deadline, ..Until::default() });
}
