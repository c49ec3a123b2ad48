//! Runs a model by wasi:nn and prints what it gives:
//!
//!     nn named NAME INPUT DIMENSIONS VALUES    a model that the host has
//!     nn load FILE INPUT DIMENSIONS VALUES     one in a file, given to the host as bytes
//!     nn wrong-type NAME INPUT                 a tensor of a type that the model does not take
//!     nn wrong-input NAME                      an input that the model does not have
//!     nn short NAME INPUT                      a tensor with less data than it says
//!     nn missing                               a model that nobody has
//!     nn nonsense                              bytes that are no model
//!     nn encoding                              an encoding that few hosts have
//!
//! DIMENSIONS are as `1x8`, VALUES as `0.5,1,-3`. An error is printed with its code.

wit_bindgen::generate!({ path: "../../../wit/deps/nn", world: "ml", generate_all });

use std::env;
use std::process::ExitCode;
use wasi::nn::errors::Error;
use wasi::nn::graph::{ExecutionTarget, Graph, GraphEncoding, load, load_by_name};
use wasi::nn::tensor::{Tensor, TensorType};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error {:?}: {}", error.code(), error.data());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Error> {
    match *arguments {
        ["named", name, input, dimensions, values] => {
            compute(&load_by_name(name)?, input, floats(dimensions, values))
        }
        ["load", file, input, dimensions, values] => {
            let model = std::fs::read(file).expect("the file can be read");
            let graph = load(&[model], GraphEncoding::Onnx, ExecutionTarget::Cpu)?;
            compute(&graph, input, floats(dimensions, values))
        }
        ["wrong-type", name, input] => {
            let tensor = Tensor::new(&[1, 8], TensorType::U8, &[0; 8]);
            compute(&load_by_name(name)?, input, tensor)
        }
        ["wrong-input", name] => compute(&load_by_name(name)?, "elsewhere", floats("1x1", "0")),
        ["short", name, input] => {
            let tensor = Tensor::new(&[1, 8], TensorType::Fp32, &[0; 31]);
            compute(&load_by_name(name)?, input, tensor)
        }
        ["missing"] => load_by_name("nobody-has-this").map(drop),
        ["nonsense"] => {
            load(&[b"no model".to_vec()], GraphEncoding::Onnx, ExecutionTarget::Cpu).map(drop)
        }
        ["encoding"] => {
            let parts = [b"<net/>".to_vec(), vec![0; 4]];
            load(&parts, GraphEncoding::Openvino, ExecutionTarget::Cpu).map(drop)
        }
        _ => panic!("not one of the commands: {arguments:?}"),
    }
}

fn compute(graph: &Graph, input: &str, tensor: Tensor) -> Result<(), Error> {
    let context = graph.init_execution_context()?;
    for (name, output) in context.compute(vec![(input.to_owned(), tensor)])? {
        println!("{name} {:?} {:?} {}", output.ty(), output.dimensions(), numbers(&output));
    }
    Ok(())
}

fn floats(dimensions: &str, values: &str) -> Tensor {
    let dimensions: Vec<u32> = dimensions.split('x').map(|one| one.parse().unwrap()).collect();
    let values = values.split(',').map(|value| value.parse::<f32>().unwrap());
    let data: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    Tensor::new(&dimensions, TensorType::Fp32, &data)
}

fn numbers(tensor: &Tensor) -> String {
    let data = tensor.data();
    let texts: Vec<String> = match tensor.ty() {
        TensorType::Fp32 => data
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()).to_string())
            .collect(),
        TensorType::I64 => data
            .chunks_exact(8)
            .map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()).to_string())
            .collect(),
        _ => vec![format!("{} bytes", data.len())],
    };
    texts.join(",")
}
