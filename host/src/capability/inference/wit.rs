//! Door for wasm guests: `gg:host/inference`.

use super::{Inference, InferenceError, ModelInfo, RunOptions};
use crate::bindings::gg::host::inference as wit;
use crate::capability::door::{Lent, View};
use crate::error::Result;
use gg_inference::{ElementType, Named, Port, Tensor};
use std::time::Duration;
use wasmtime::component::Linker;

/// How long a guest's thread is held up for a prediction. As long as a guest may keep it anyway, and
/// longer than small models take.
pub(super) const HOLD: Duration = Duration::from_millis(1);

/// Serve the interface to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_, Inference>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, Lent<Inference>>(linker, view)
}

impl wit::Host for View<'_, Inference> {
    fn models(&mut self) -> Result<Vec<String>> {
        Ok(self.core.models(self.caller).into_iter().map(String::from).collect())
    }

    async fn describe(&mut self, model: String) -> Result<wit::ModelInfo> {
        let info = self.core.describe(self.caller, &model).await?;
        let ModelInfo { name, version, digest, backend, device, threads, inputs, outputs } = &*info;
        Ok(wit::ModelInfo {
            name: name.to_string(),
            version: version.to_string(),
            digest: digest.clone(),
            backend: backend.clone(),
            device: device.clone(),
            threads: *threads,
            inputs: inputs.iter().map(port).collect(),
            outputs: outputs.iter().map(port).collect(),
        })
    }

    async fn run(
        &mut self,
        model: String,
        inputs: Vec<wit::Tensor>,
        deadline_ms: Option<u32>,
    ) -> Result<Vec<wit::Tensor>> {
        let inputs = inputs.into_iter().map(named).collect::<Result<_>>()?;
        let deadline = deadline_ms.map(|millis| Duration::from_millis(millis.into()));
        let options = RunOptions { deadline, hold: HOLD };
        let outputs = self.core.run(self.caller, &model, inputs, options).await?;
        Ok(outputs.into_iter().map(tensor).collect())
    }
}

fn named(tensor: wit::Tensor) -> Result<Named> {
    let wit::Tensor { name, shape, element, data } = tensor;
    match Tensor::new(element_type(element), shape, data) {
        Ok(tensor) => Ok((name, tensor)),
        Err(error) => Err(InferenceError::of_input(&name, &error).into()),
    }
}

fn tensor((name, tensor): Named) -> wit::Tensor {
    wit::Tensor {
        name,
        shape: tensor.shape().to_vec(),
        element: element(tensor.element()),
        data: tensor.into_data().into(),
    }
}

fn port(port: &Port) -> wit::Port {
    wit::Port { name: port.name.clone(), shape: port.shape.clone(), element: element(port.element) }
}

/// Both ways between the two enumerations, which have the same cases.
macro_rules! elements {
    ($($ours:ident = $wit:ident,)*) => {
        fn element_type(element: wit::ElementType) -> ElementType {
            match element { $(wit::ElementType::$wit => ElementType::$ours,)* }
        }

        fn element(element: ElementType) -> wit::ElementType {
            match element { $(ElementType::$ours => wit::ElementType::$wit,)* }
        }
    };
}

elements! {
    Fp16 = Fp16,
    Bf16 = Bf16,
    Fp32 = Fp32,
    Fp64 = Fp64,
    I8 = I8,
    I16 = I16,
    I32 = I32,
    I64 = I64,
    U8 = U8,
    U16 = U16,
    U32 = U32,
    U64 = U64,
    Bool = Boolean,
    String = Text,
}
