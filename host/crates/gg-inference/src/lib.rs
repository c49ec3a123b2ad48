//! Runs machine-learning models: files of ONNX in, tensors in and out.
//!
//! A model file is outside input, and so are the tensors. What reads them checks lengths before it
//! reserves anything; but an engine is not to be trusted with any file, so all of this is for a
//! process of its own, under limits. Nothing here starts one.
//!
//! In reading order:
//!
//! * [`element`], [`tensor`], [`numbers`]: arrays of numbers and texts, and what they may be.
//! * [`onnx`]: the file: what it takes and gives, and which operators it is made of.
//! * [`backend`]: the seam: who runs a model, and the choice among them.
//! * [`golden`]: inputs with the outputs that a model is known to give for them; [`mod@check`]: whether
//!   inputs are what a model takes.
//! * [`worker`], [`wire`]: the process that does it, and what it says.
#![forbid(unsafe_code)]

pub mod backend;
pub mod check;
pub mod element;
pub mod golden;
pub mod numbers;
pub mod onnx;
pub mod tensor;
pub mod wire;
pub mod worker;

pub use element::ElementType;
pub use onnx::{Model, ModelError, Port};
pub use tensor::{Named, Tensor, TensorError};
