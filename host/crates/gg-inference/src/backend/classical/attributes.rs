//! What is written at a node of the graph.

use super::values::Value;
use crate::backend::{LoadError, RunError};
use crate::onnx::proto::{AttributeProto, NodeProto};
use crate::onnx::tensor_of;
use bytes::Bytes;
use std::sync::Arc;

/// A node as its compiler sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    proto: &'a NodeProto,
    version: i64,
}

impl<'a> Node<'a> {
    /// A node of an operator set of this version.
    pub(super) fn new(proto: &'a NodeProto, version: i64) -> Self {
        Self { proto, version }
    }

    /// The version of the operator set.
    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// Which operator.
    pub(super) fn operator(&self) -> &'a str {
        &self.proto.op_type
    }

    /// What is wrong with it.
    pub(super) fn invalid(&self, what: impl std::fmt::Display) -> LoadError {
        LoadError::Invalid(format!("{}: {what}", self.proto.op_type))
    }

    fn find(&self, name: &str) -> Option<&'a AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// An integer.
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.find(name)?.i
    }

    /// Whether an integer is not zero.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.int(name).map_or(default, |int| int != 0)
    }

    /// A number.
    pub(super) fn float(&self, name: &str) -> Option<f32> {
        self.find(name)?.f
    }

    /// A word.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, LoadError> {
        self.find(name)
            .and_then(|attribute| attribute.s.as_ref())
            .map(|text| self.utf_8(text))
            .transpose()
    }

    /// Integers; none where there is no such attribute.
    pub(super) fn ints(&self, name: &str) -> &'a [i64] {
        self.find(name).map_or(&[], |attribute| &attribute.ints)
    }

    /// Integers, if they are there.
    pub(super) fn some_ints(&self, name: &str) -> Option<&'a [i64]> {
        self.find(name).map(|attribute| &*attribute.ints)
    }

    /// Numbers; none where there is no such attribute.
    pub(super) fn floats(&self, name: &str) -> &'a [f32] {
        self.find(name).map_or(&[], |attribute| &attribute.floats)
    }

    /// Texts; none where there is no such attribute.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<Arc<str>>, LoadError> {
        let texts = self.find(name).map_or(&[][..], |attribute| &attribute.strings);
        texts.iter().map(|text| self.utf_8(text).map(Arc::from)).collect()
    }

    /// A constant.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<Value>, LoadError> {
        let Some(proto) = self.find(name).and_then(|attribute| attribute.t.as_ref()) else {
            return Ok(None);
        };
        let tensor = tensor_of(proto).map_err(|error| self.invalid(error))?;
        let value = Value::read(&tensor).map_err(|error: RunError| self.invalid(error))?;
        Ok(Some(value))
    }

    fn utf_8(&self, text: &'a Bytes) -> Result<&'a str, LoadError> {
        std::str::from_utf8(text).map_err(|_| self.invalid("a text that is not UTF-8"))
    }
}
