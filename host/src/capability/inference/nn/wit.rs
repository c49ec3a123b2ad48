//! Door for wasm guests: `wasi:nn`.

use super::{Code, Fault, Graph, GuestTensor};
use crate::bindings::wasi::nn::{errors, graph, inference, tensor};
use crate::capability::door::{self, Lent, View};
use crate::capability::inference::wit::HOLD;
use crate::capability::inference::{Inference, InferenceError, RunOptions};
use gg_inference::{ElementType, Named};
use wasmtime::component::{Linker, Resource};

/// Serve the interfaces to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds one of them already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_, Inference>,
) -> wasmtime::Result<()> {
    errors::add_to_linker::<T, Lent<Inference>>(linker, view)?;
    tensor::add_to_linker::<T, Lent<Inference>>(linker, view)?;
    inference::add_to_linker::<T, Lent<Inference>>(linker, view)?;
    graph::add_to_linker::<T, Lent<Inference>>(linker, view)
}

/// What a call comes to: an error is a resource of the guest's.
type Outcome<T> = wasmtime::Result<Result<T, Resource<errors::Error>>>;

impl View<'_, Inference> {
    fn outcome<T>(&mut self, outcome: Result<T, Fault>) -> Outcome<T> {
        match outcome {
            Ok(value) => Ok(Ok(value)),
            Err(fault) => Ok(Err(door::handle(&self.table.push(fault)?))),
        }
    }

    /// What a guest makes or is given counts as its memory.
    fn keep(
        &mut self,
        element: ElementType,
        shape: Vec<u32>,
        data: bytes::Bytes,
    ) -> wasmtime::Result<Resource<tensor::Tensor>> {
        let budget = self.caller.tensor_budget();
        let Some(kept) = GuestTensor::new(element, shape, data, budget) else {
            let exceeded = self.caller.limits().exceeded("memory", None);
            return Err(wasmtime::Error::msg(format!("the tensors of wasi:nn: {exceeded}")));
        };
        Ok(door::handle(&self.table.push(kept)?))
    }

    fn tensor(&self, handle: &Resource<tensor::Tensor>) -> wasmtime::Result<&GuestTensor> {
        Ok(self.table.get(&door::key::<GuestTensor, _>(handle))?)
    }

    /// The inputs of a prediction, which the guest has handed over; those that are no tensors are an
    /// error of its own.
    fn inputs(
        &mut self,
        inputs: Vec<(String, Resource<tensor::Tensor>)>,
    ) -> wasmtime::Result<Result<Vec<Named>, InferenceError>> {
        let mut given = Vec::with_capacity(inputs.len());
        for (name, handle) in inputs {
            given.push((name, self.table.delete(door::key::<GuestTensor, _>(&handle))?));
        }
        let named = given.into_iter().map(|(name, given)| {
            let tensor = given.tensor(&name)?;
            Ok((name, tensor))
        });
        Ok(named.collect())
    }
}

impl graph::Host for View<'_, Inference> {
    async fn load(
        &mut self,
        builder: Vec<Vec<u8>>,
        encoding: graph::GraphEncoding,
        target: graph::ExecutionTarget,
    ) -> Outcome<Resource<graph::Graph>> {
        let loaded = match (encoding, target, &builder[..]) {
            (_, graph::ExecutionTarget::Gpu | graph::ExecutionTarget::Tpu, _) => {
                let reason =
                    "no backend of this host runs models that guests bring on a GPU or TPU";
                Err(Fault::new(Code::UnsupportedOperation, reason))
            }
            (graph::GraphEncoding::Onnx | graph::GraphEncoding::Autodetect, _, [bytes]) => {
                let loaded = self.core.load(self.caller, bytes).await;
                loaded.map_err(|error| Fault::of_load(&error))
            }
            (graph::GraphEncoding::Onnx | graph::GraphEncoding::Autodetect, _, parts) => {
                let reason = format!("a model of ONNX is in one part, and {} came", parts.len());
                Err(Fault::new(Code::InvalidArgument, reason))
            }
            _ => Err(Fault::new(Code::InvalidEncoding, "this host runs models of ONNX")),
        };
        match loaded {
            Ok(loaded) => Ok(Ok(door::handle(&self.table.push(Graph::Loaded(loaded.into()))?))),
            Err(fault) => self.outcome(Err(fault)),
        }
    }

    async fn load_by_name(&mut self, name: String) -> Outcome<Resource<graph::Graph>> {
        match self.core.describe(self.caller, &name).await {
            Ok(_) => Ok(Ok(door::handle(&self.table.push(Graph::Named(name))?))),
            Err(error) => self.outcome(Err(Fault::from(&error))),
        }
    }
}

impl graph::HostGraph for View<'_, Inference> {
    fn init_execution_context(
        &mut self,
        handle: Resource<graph::Graph>,
    ) -> Outcome<Resource<graph::GraphExecutionContext>> {
        let graph = self.table.get(&door::key::<Graph, _>(&handle))?.clone();
        Ok(Ok(door::handle(&self.table.push(graph)?)))
    }

    fn drop(&mut self, handle: Resource<graph::Graph>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<Graph, _>(&handle))?;
        Ok(())
    }
}

impl inference::Host for View<'_, Inference> {}

impl inference::HostGraphExecutionContext for View<'_, Inference> {
    async fn compute(
        &mut self,
        handle: Resource<inference::GraphExecutionContext>,
        inputs: Vec<(String, Resource<tensor::Tensor>)>,
    ) -> Outcome<Vec<(String, Resource<tensor::Tensor>)>> {
        let graph = self.table.get(&door::key::<Graph, _>(&handle))?.clone();
        let named = match self.inputs(inputs)? {
            Ok(named) => named,
            Err(error) => return self.outcome(Err(Fault::from(&error))),
        };
        let options = RunOptions { deadline: None, hold: HOLD };
        let made = match &graph {
            Graph::Named(name) => self.core.run(self.caller, name, named, options).await,
            Graph::Loaded(model) => self.core.run_loaded(self.caller, model, named, options).await,
        };
        let outputs = match made.map_err(|error| Fault::from(&error)).and_then(sayable) {
            Ok(outputs) => outputs,
            Err(fault) => return self.outcome(Err(fault)),
        };
        let mut handles = Vec::with_capacity(outputs.len());
        for (name, tensor) in outputs {
            let (element, shape) = (tensor.element(), tensor.shape().to_vec());
            handles.push((name, self.keep(element, shape, tensor.into_data())?));
        }
        Ok(Ok(handles))
    }

    fn drop(&mut self, handle: Resource<inference::GraphExecutionContext>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<Graph, _>(&handle))?;
        Ok(())
    }
}

/// Outputs for which the interface has a word.
fn sayable(outputs: Vec<Named>) -> Result<Vec<Named>, Fault> {
    match outputs.iter().find(|(_, tensor)| to_wit(tensor.element()).is_none()) {
        None => Ok(outputs),
        Some((name, tensor)) => Err(Fault::new(
            Code::UnsupportedOperation,
            format!(
                "the output `{name}` is {}, which wasi:nn has no word for; gg:host/inference does",
                tensor.kind()
            ),
        )),
    }
}

impl tensor::Host for View<'_, Inference> {}

impl tensor::HostTensor for View<'_, Inference> {
    fn new(
        &mut self,
        dimensions: Vec<u32>,
        ty: tensor::TensorType,
        data: Vec<u8>,
    ) -> wasmtime::Result<Resource<tensor::Tensor>> {
        self.keep(of_wit(ty), dimensions, data.into())
    }

    fn dimensions(&mut self, handle: Resource<tensor::Tensor>) -> wasmtime::Result<Vec<u32>> {
        Ok(self.tensor(&handle)?.shape.clone())
    }

    fn ty(&mut self, handle: Resource<tensor::Tensor>) -> wasmtime::Result<tensor::TensorType> {
        // Those of other types are not handed out.
        Ok(to_wit(self.tensor(&handle)?.element).unwrap_or(tensor::TensorType::U8))
    }

    fn data(&mut self, handle: Resource<tensor::Tensor>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.tensor(&handle)?.data.to_vec())
    }

    fn drop(&mut self, handle: Resource<tensor::Tensor>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<GuestTensor, _>(&handle))?;
        Ok(())
    }
}

impl errors::Host for View<'_, Inference> {}

impl errors::HostError for View<'_, Inference> {
    fn code(&mut self, handle: Resource<errors::Error>) -> wasmtime::Result<errors::ErrorCode> {
        Ok(match self.table.get(&door::key::<Fault, _>(&handle))?.code {
            Code::InvalidArgument => errors::ErrorCode::InvalidArgument,
            Code::InvalidEncoding => errors::ErrorCode::InvalidEncoding,
            Code::NotFound => errors::ErrorCode::NotFound,
            Code::RuntimeError => errors::ErrorCode::RuntimeError,
            Code::Security => errors::ErrorCode::Security,
            Code::Timeout => errors::ErrorCode::Timeout,
            Code::TooLarge => errors::ErrorCode::TooLarge,
            Code::UnsupportedOperation => errors::ErrorCode::UnsupportedOperation,
        })
    }

    fn data(&mut self, handle: Resource<errors::Error>) -> wasmtime::Result<String> {
        Ok(self.table.get(&door::key::<Fault, _>(&handle))?.data.clone())
    }

    fn drop(&mut self, handle: Resource<errors::Error>) -> wasmtime::Result<()> {
        self.table.delete(door::key::<Fault, _>(&handle))?;
        Ok(())
    }
}

fn of_wit(ty: tensor::TensorType) -> ElementType {
    match ty {
        tensor::TensorType::Fp16 => ElementType::Fp16,
        tensor::TensorType::Fp32 => ElementType::Fp32,
        tensor::TensorType::Fp64 => ElementType::Fp64,
        tensor::TensorType::Bf16 => ElementType::Bf16,
        tensor::TensorType::U8 => ElementType::U8,
        tensor::TensorType::I32 => ElementType::I32,
        tensor::TensorType::I64 => ElementType::I64,
    }
}

fn to_wit(element: ElementType) -> Option<tensor::TensorType> {
    Some(match element {
        ElementType::Fp16 => tensor::TensorType::Fp16,
        ElementType::Fp32 => tensor::TensorType::Fp32,
        ElementType::Fp64 => tensor::TensorType::Fp64,
        ElementType::Bf16 => tensor::TensorType::Bf16,
        ElementType::U8 => tensor::TensorType::U8,
        ElementType::I32 => tensor::TensorType::I32,
        ElementType::I64 => tensor::TensorType::I64,
        _ => return None,
    })
}
