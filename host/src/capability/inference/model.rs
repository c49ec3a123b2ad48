//! A model as a deployment brings it.

use crate::inference::worker::ModelFiles;
use gg_inference::Port;
use gg_model::{ComponentVersion, ModelDeclaration, ModelName};

/// A model as a deployment brings it.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The name by which components ask for it.
    pub name: ModelName,
    /// The version of the component that brings it.
    pub version: ComponentVersion,
    /// Its files.
    pub files: ModelFiles,
    /// How it is to be run.
    pub declaration: ModelDeclaration,
}

/// What is known of a model that was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Its name.
    pub name: ModelName,
    /// Its version.
    pub version: ComponentVersion,
    /// SHA-256 of its file, in hexadecimal.
    pub digest: String,
    /// What runs it.
    pub backend: String,
    /// Where it runs.
    pub device: String,
    /// How many threads a prediction takes.
    pub threads: u32,
    /// What it takes.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
}
