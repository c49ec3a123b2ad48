//! What a model may run on: what onnxruntime calls execution providers, of which each build has some.

use gg_inference::backend::CPU;
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

/// A device: what it is called here, whether the library has it, and how it is asked for.
struct Device {
    name: &'static str,
    there: fn() -> bool,
    provider: fn() -> ExecutionProviderDispatch,
}

fn has<T: ExecutionProvider>() -> bool {
    T::is_available().unwrap_or_default()
}

macro_rules! devices {
    ($($name:literal = $provider:ident;)*) => {
        [$(Device {
            name: $name,
            there: has::<ep::$provider>,
            provider: || ep::$provider::default().build(),
        },)*]
    };
}

const DEVICES: [Device; 11] = devices! {
    "acl" = ACL;
    "cann" = CANN;
    "cuda" = CUDA;
    "migraphx" = MIGraphX;
    "onednn" = OneDNN;
    "openvino" = OpenVINO;
    "qnn" = QNN;
    "rknpu" = RKNPU;
    "tensorrt" = TensorRT;
    "vsinpu" = VSINPU;
    "xnnpack" = XNNPACK;
};

/// The devices that the library has.
pub(super) fn there() -> Vec<&'static str> {
    let others = DEVICES.iter().filter(|device| (device.there)()).map(|device| device.name);
    std::iter::once(CPU).chain(others).collect()
}

/// What to register for one of them. What it has no operators for runs on the processor.
pub(super) fn providers(name: &str) -> Vec<ExecutionProviderDispatch> {
    let device = DEVICES.iter().find(|device| device.name == name);
    let device = device.map(|device| (device.provider)().error_on_failure());
    // Without an arena, which keeps what the largest prediction took and is not faster.
    let processor = ep::CPU::default().with_arena_allocator(false).build().error_on_failure();
    device.into_iter().chain([processor]).collect()
}
