//! Door for components outside the sandbox: models in operations of this host's own.

use super::{Inference, InferenceError, ModelInfo, RunOptions};
use crate::capability::caller::Caller;
use crate::capability::door::{Served, about};
use crate::error::Error;
use gg_inference::{ElementType, Named, Port, Tensor};
use gg_ipc::shapes::{
    DescribeModelRequest, DescribeModelResponse, ListModelsResponse, ModelPort, ModelTensor,
    RunInferenceRequest, RunInferenceResponse,
};
use gg_ipc::{Blob, OperationError};
use std::time::Duration;

/// ListModels.
pub(crate) fn list(inference: &Inference, caller: &Caller) -> ListModelsResponse {
    ListModelsResponse { models: inference.models(caller).into_iter().map(String::from).collect() }
}

/// DescribeModel.
pub(crate) async fn describe(
    inference: &Inference,
    caller: &Caller,
    request: DescribeModelRequest,
) -> Served<DescribeModelResponse> {
    let name = request.model_name;
    let info = inference.describe(caller, &name).await;
    let info = info.map_err(|error| failed(&name, error))?;
    let ModelInfo { name, version, digest, backend, device, threads, inputs, outputs } = &*info;
    Ok(DescribeModelResponse {
        model_name: name.to_string(),
        version: version.to_string(),
        digest: digest.clone(),
        backend: backend.clone(),
        device: device.clone(),
        threads: *threads,
        inputs: inputs.iter().map(port).collect(),
        outputs: outputs.iter().map(port).collect(),
    })
}

/// RunInference.
pub(crate) async fn run(
    inference: &Inference,
    caller: &Caller,
    request: RunInferenceRequest,
) -> Served<RunInferenceResponse> {
    let RunInferenceRequest { model_name, inputs, deadline_ms } = request;
    let inputs = inputs.into_iter().map(named).collect::<Result<_, InferenceError>>();
    let inputs = inputs.map_err(|error| failed(&model_name, error))?;
    let deadline = deadline_ms.map(|millis| Duration::from_millis(millis.into()));
    // This thread is the nucleus's: it is not held up.
    let options = RunOptions { deadline, hold: Duration::ZERO };
    let outputs = inference.run(caller, &model_name, inputs, options).await;
    let outputs = outputs.map_err(|error| failed(&model_name, error))?;
    Ok(RunInferenceResponse { outputs: outputs.into_iter().map(tensor).collect() })
}

fn failed(model: &str, error: InferenceError) -> OperationError {
    about("model", model, Error::from(error))
}

fn named(tensor: ModelTensor) -> Result<Named, InferenceError> {
    let ModelTensor { name, element_type, shape, data } = tensor;
    let element = ElementType::ALL.iter().find(|element| element.name() == element_type);
    let Some(element) = element else {
        let known: Vec<_> = ElementType::ALL.iter().map(|element| element.name()).collect();
        let reason = format!("an input's elementType is one of {}", known.join(", "));
        return Err(InferenceError::Input(reason));
    };
    match Tensor::new(*element, shape, data.0) {
        Ok(tensor) => Ok((name, tensor)),
        Err(error) => Err(InferenceError::of_input(&name, &error)),
    }
}

fn tensor((name, tensor): Named) -> ModelTensor {
    ModelTensor {
        name,
        element_type: tensor.element().name().to_owned(),
        shape: tensor.shape().to_vec(),
        data: Blob(tensor.into_data()),
    }
}

fn port(port: &Port) -> ModelPort {
    let length = |length: &Option<u32>| length.map_or(-1, i64::from);
    ModelPort {
        name: port.name.clone(),
        element_type: port.element.name().to_owned(),
        shape: port.shape.as_ref().map(|shape| shape.iter().map(length).collect()),
    }
}
