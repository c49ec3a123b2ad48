//! Who runs a model rightly: each is asked in turn, and held to the model's golden vectors, or to
//! itself where there are none.

use super::{Backend, Candidate, LoadError, Options, RunError, Session, Until};
use crate::golden::{Golden, Mismatch, Tolerance, compare};
use crate::numbers::tensor;
use crate::onnx::{Model, Port};
use crate::tensor::{Named, Tensor, count};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long all golden vectors of a model may take.
const GOLDEN: Duration = Duration::from_secs(60);

/// Most elements of an input that is made up, and how long a dimension of any length is then.
const PROBE: usize = 4 << 20;
const PROBE_LENGTH: u32 = 2;

/// How far two ways to run a model may be apart on inputs that were made up.
const ALIKE: Tolerance = Tolerance { absolute: 1e-3, relative: 1e-2 };

/// A model that somebody runs.
pub struct Chosen {
    /// Who.
    pub backend: &'static str,
    /// The model, ready.
    pub session: Box<dyn Session>,
    /// How it is known to be right.
    pub passed: Passed,
    /// Who was asked before, and why it is not they.
    pub refused: Vec<Refused>,
}

/// Why somebody does not run a model.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refused {
    /// Who.
    pub backend: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// What speaks for a backend's numbers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passed {
    /// The golden vectors: so many cases.
    Golden(usize),
    /// Two ways to run it agree on an input that was made up.
    Probe,
    /// Nothing: there are no golden vectors, and no input could be made up, or nobody to compare with.
    Nothing,
}

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { backend, session: _, passed, refused } = self;
        f.debug_struct("Chosen")
            .field("backend", backend)
            .field("passed", passed)
            .field("refused", refused)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Error)]
enum Wrong {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("golden vector {0}: {1}")]
    Golden(usize, Mismatch),
    #[error("golden vector {0}: {1}")]
    Run(usize, RunError),
    #[error("on an input that was made up, with which {0} gets on: {1}")]
    Alone(&'static str, RunError),
    #[error("unlike {0} on an input that was made up: {1}")]
    Unlike(&'static str, Mismatch),
}

/// Find a backend for a model. `candidates` in the order of preference.
///
/// # Errors
/// Nobody runs it rightly: everybody, with the reason.
pub fn choose(
    candidates: &[Candidate<'_>],
    model: &Model,
    options: &Options,
    golden: Option<&Golden>,
) -> Result<Chosen, Vec<Refused>> {
    let mut refused = Vec::new();
    let suits = |(backend, _): &&Candidate<'_>| backend.is_made_for(model);
    let others = candidates.iter().filter(|candidate| !suits(candidate));
    for (backend, witness) in candidates.iter().filter(suits).chain(others) {
        let is_wanted = |wanted: &str| [backend.name(), family(backend.name())].contains(&wanted);
        if !options.backend.as_deref().is_none_or(is_wanted) {
            continue;
        }
        match try_one(*backend, *witness, model, options, golden) {
            Ok((session, passed)) => {
                return Ok(Chosen { backend: backend.name(), session, passed, refused });
            }
            Err(wrong) => refused
                .push(Refused { backend: backend.name().to_owned(), reason: wrong.to_string() }),
        }
    }
    if refused.is_empty() {
        let names: Vec<_> = candidates.iter().map(|(one, _)| one.name()).collect();
        let reason = format!("there is no such backend here; there is {}", names.join(", "));
        refused.push(Refused { backend: options.backend.clone().unwrap_or_default(), reason });
    }
    Err(refused)
}

/// The name of a backend without its way.
fn family(name: &str) -> &str {
    name.split_once('-').map_or(name, |(family, _)| family)
}

fn try_one(
    backend: &dyn Backend,
    witness: Option<&dyn Backend>,
    model: &Model,
    options: &Options,
    golden: Option<&Golden>,
) -> Result<(Box<dyn Session>, Passed), Wrong> {
    let mut session = backend.load(model, options)?;
    let until = Until { deadline: Some(Instant::now() + GOLDEN), ..Until::default() };
    if let Some(golden) = golden {
        // Twice, so that nobody passes whose answers depend on what was asked before.
        for (number, case) in (1..).zip(&golden.cases).chain((1..).zip(&golden.cases)) {
            let got =
                session.run(&case.inputs, &until).map_err(|error| Wrong::Run(number, error))?;
            compare(&got, &case.outputs, golden.tolerance)
                .map_err(|far| Wrong::Golden(number, far))?;
        }
        return Ok((session, Passed::Golden(golden.cases.len())));
    }
    let Some(witness) = witness else { return Ok((session, Passed::Nothing)) };
    let (Some(inputs), Ok(mut other)) = (made_up(model.inputs()), witness.load(model, options))
    else {
        return Ok((session, Passed::Nothing));
    };
    // What does not run on an input that nobody chose may well run on a right one.
    let Ok(wanted) = other.run(&inputs, &until) else { return Ok((session, Passed::Nothing)) };
    for _ in 0..2 {
        let got =
            session.run(&inputs, &until).map_err(|error| Wrong::Alone(witness.name(), error))?;
        compare(&got, &wanted, ALIKE).map_err(|far| Wrong::Unlike(witness.name(), far))?;
    }
    Ok((session, Passed::Probe))
}

/// An input for a model of which nothing is known: small numbers, always the same. `None`: it takes
/// texts, very much, or nobody says in what shape.
pub fn made_up(inputs: &[Port]) -> Option<Vec<Named>> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        // Xorshift (Marsaglia 2003): from -2 to 2, in steps that half precision holds.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 65) as f64 / 16.0 - 2.0
    };
    let made = inputs.iter().map(|port| Some((port.name.clone(), probe(port, &mut next)?)));
    made.collect()
}

fn probe(port: &Port, next: &mut impl FnMut() -> f64) -> Option<Tensor> {
    let shape = port.shape.as_ref()?.iter().map(|length| length.unwrap_or(PROBE_LENGTH));
    let shape: Vec<u32> = shape.collect();
    let elements = count(&shape).ok().filter(|elements| *elements <= PROBE)?;
    let values: Vec<f64> = (0..elements).map(|_| next()).collect();
    tensor(port.element, shape, &values).ok()
}
