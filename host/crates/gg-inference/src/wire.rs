//! What host and worker say to each other, over a stream of bytes: frames of a head, which is JSON,
//! and a body, which is the tensors' or the model's own bytes.
//!
//! ```text
//! bytes of the head (u32) | bytes of the body (u64) | head | body      little-endian
//! ```

use crate::backend::{Options, Passed, Refused, RunError};
use crate::element::ElementType;
use crate::onnx::Port;
use crate::tensor::{Named, Tensor, TensorError};
use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read, Write};
use thiserror::Error;

/// Bytes before a head.
pub const PREFIX: usize = 12;

/// Bytes of the longest head.
pub const LONGEST_HEAD: usize = 4 << 20;

/// What the host asks for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Get a model ready. Comes first, and once. The body is the model, and then the golden vectors.
    Load {
        /// How it is to be run.
        options: Options,
        /// Bytes of the model.
        model: u64,
        /// Bytes of its golden vectors, if it has any.
        golden: Option<u64>,
    },
    /// Make a prediction. The body is the inputs, one after the other.
    Run {
        /// Which, in the answer.
        id: u64,
        /// What the body holds.
        inputs: Vec<Head>,
        /// Milliseconds that it may take from now on.
        millis: Option<u64>,
    },
    /// Nobody waits for a prediction any more.
    Cancel {
        /// Which.
        id: u64,
    },
}

/// What the worker answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Response {
    /// The model is ready.
    Loaded(Box<Loaded>),
    /// The model cannot be run.
    Refused {
        /// What is wrong with it, if it is no model at all.
        reason: Option<String>,
        /// What each backend says, otherwise.
        refused: Vec<Refused>,
        /// What could be seen of it nevertheless.
        seen: Option<Seen>,
    },
    /// A prediction. The body is the outputs, one after the other.
    Done {
        /// Which.
        id: u64,
        /// What the body holds.
        outputs: Vec<Head>,
    },
    /// None.
    Failed {
        /// Which.
        id: u64,
        /// Why not.
        error: RunError,
    },
}

/// A model that is ready.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// Who runs it.
    pub backend: String,
    /// What it runs on.
    pub device: String,
    /// Threads that share the work of a prediction.
    pub threads: u32,
    /// What speaks for its numbers.
    pub passed: Passed,
    /// Who was asked before, and why it is not they.
    pub refused: Vec<Refused>,
    /// What it is.
    pub seen: Seen,
}

/// What a file says of its model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// What it takes.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// Its operators, and how often each is there.
    pub operators: BTreeMap<String, usize>,
    /// What its maker wrote beside it.
    pub metadata: BTreeMap<String, String>,
}

/// What is known of a tensor before its bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Head {
    /// The input or output.
    pub name: String,
    /// What its elements are.
    #[serde(rename = "type")]
    pub element: ElementType,
    /// The length of each dimension.
    pub shape: Vec<u32>,
    /// How many bytes.
    pub bytes: u64,
}

/// Why bytes are no frame.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The other side has gone, or nothing can be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is longer than it may be.
    #[error("{bytes} bytes are more than {most}")]
    TooLarge {
        /// Its length.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// Its head makes no sense.
    #[error("a head makes no sense: {0}")]
    Head(#[from] serde_json::Error),
    /// Its body is not what its head says.
    #[error("a body is not what its head says: {0}")]
    Tensor(#[from] TensorError),
    /// Its body has another length than its head says.
    #[error("a body is longer or shorter than its head says")]
    Body,
}

/// The heads of tensors.
pub fn heads(tensors: &[Named]) -> Vec<Head> {
    tensors
        .iter()
        .map(|(name, tensor)| Head {
            name: name.clone(),
            element: tensor.element(),
            shape: tensor.shape().to_vec(),
            bytes: tensor.data().len() as u64,
        })
        .collect()
}

/// Tensors out of a body.
///
/// # Errors
/// It does not hold them.
pub fn tensors(heads: Vec<Head>, mut body: Bytes) -> Result<Vec<Named>, WireError> {
    let mut tensors = Vec::with_capacity(heads.len());
    for Head { name, element, shape, bytes } in heads {
        let length = usize::try_from(bytes).ok().filter(|length| *length <= body.len());
        let data = body.split_to(length.ok_or(WireError::Body)?);
        tensors.push((name, Tensor::new(element, shape, data)?));
    }
    if body.is_empty() { Ok(tensors) } else { Err(WireError::Body) }
}

/// A frame's bytes up to its body.
///
/// # Errors
/// The head cannot be written.
pub fn opening(head: &impl Serialize, body: u64) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::with_capacity(256);
    bytes.resize(PREFIX, 0);
    serde_json::to_writer(&mut bytes, head)?;
    let length = bytes.len() - PREFIX;
    bytes[..4].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes[4..PREFIX].copy_from_slice(&body.to_le_bytes());
    Ok(bytes)
}

/// The lengths of head and body.
///
/// # Errors
/// They are longer than they may be.
pub fn lengths(prefix: [u8; PREFIX], most: u64) -> Result<(usize, u64), WireError> {
    let [a, b, c, d, rest @ ..] = prefix;
    let (head, body) = (u32::from_le_bytes([a, b, c, d]) as usize, u64::from_le_bytes(rest));
    if head > LONGEST_HEAD {
        return Err(WireError::TooLarge { bytes: head as u64, most: LONGEST_HEAD as u64 });
    }
    if body > most {
        return Err(WireError::TooLarge { bytes: body, most });
    }
    Ok((head, body))
}

/// Write a frame, all of it at once where the other side takes that much.
///
/// # Errors
/// It cannot be written.
pub fn write(out: &mut impl Write, head: &impl Serialize, body: &[&[u8]]) -> Result<(), WireError> {
    let opening = opening(head, body.iter().map(|part| part.len() as u64).sum())?;
    let mut parts = parts(&opening, body);
    let mut left = &mut parts[..];
    // Leaves out what is empty.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match out.write_vectored(left) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(out.flush()?)
}

/// The pieces of a frame, for a write that takes several.
pub fn parts<'a>(opening: &'a [u8], body: &[&'a [u8]]) -> Vec<IoSlice<'a>> {
    [opening].into_iter().chain(body.iter().copied()).map(IoSlice::new).collect()
}

/// Read a frame; `None` at the end.
///
/// # Errors
/// There is none.
pub fn read<T: DeserializeOwned>(
    from: &mut impl Read,
    most: u64,
) -> Result<Option<(T, Bytes)>, WireError> {
    let mut prefix = [0; PREFIX];
    match from.read(&mut prefix[..1])? {
        0 => return Ok(None),
        _ => from.read_exact(&mut prefix[1..])?,
    }
    let (head, body) = lengths(prefix, most)?;
    let head = exactly(from, head as u64)?;
    let body = exactly(from, body)?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

/// Take a frame out of what was read, if all of it was.
///
/// # Errors
/// It is none.
pub fn take<T: DeserializeOwned>(
    read: &mut BytesMut,
    most: u64,
) -> Result<Option<(T, Bytes)>, WireError> {
    let Some((head, body)) = whole(read, most)? else { return Ok(None) };
    let mut frame = read.split_to(PREFIX + head + body).freeze();
    let body = frame.split_off(PREFIX + head);
    Ok(Some((serde_json::from_slice(&frame[PREFIX..])?, body)))
}

/// The lengths of head and body of the frame that bytes begin with, if all of it is there.
///
/// # Errors
/// They are longer than they may be.
pub fn whole(bytes: &[u8], most: u64) -> Result<Option<(usize, usize)>, WireError> {
    let Some(prefix) = bytes.first_chunk() else { return Ok(None) };
    let (head, body) = lengths(*prefix, most)?;
    let rest = bytes.len().checked_sub(PREFIX + head);
    let body = usize::try_from(body).ok().filter(|body| rest.is_some_and(|rest| *body <= rest));
    Ok(body.map(|body| (head, body)))
}

/// How many bytes a frame still lacks of which some were read, as far as that is known.
pub fn missing(read: &BytesMut) -> usize {
    let whole = |prefix| {
        lengths(prefix, u64::MAX)
            .ok()
            .map(|(head, body)| body.saturating_add((head + PREFIX) as u64))
    };
    let whole = read.first_chunk().copied().and_then(whole).unwrap_or(0);
    usize::try_from(whole).unwrap_or(usize::MAX).saturating_sub(read.len())
}

/// So many bytes. Room is made for what comes, not for what is said to come.
fn exactly(from: &mut impl Read, length: u64) -> Result<Bytes, WireError> {
    const ROOM: u64 = 16 << 20;
    const STEP: u64 = 256 << 10;
    // What is not written to takes no memory.
    let mut bytes = BytesMut::with_capacity(ROOM.min(length) as usize);
    while (bytes.len() as u64) < length {
        let at = bytes.len();
        bytes.resize(at + STEP.min(length - at as u64) as usize, 0);
        from.read_exact(&mut bytes[at..])?;
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::tensor;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let x = ("x".to_owned(), tensor(ElementType::Fp32, vec![2], &[1.0, 2.0]).unwrap());
        let s = ("s".to_owned(), Tensor::of_texts(vec![1], &["text"]).unwrap());
        let all = [x, s];
        let request = Request::Run { id: 7, inputs: heads(&all), millis: Some(5) };
        let mut bytes = Vec::new();
        let body: Vec<&[u8]> = all.iter().map(|(_, tensor)| &**tensor.data()).collect();
        write(&mut bytes, &request, &body).unwrap();
        let (read_back, body) = read::<Request>(&mut &bytes[..], 100).unwrap().unwrap();
        let Request::Run { id: 7, inputs, millis: Some(5) } = read_back else { panic!() };
        assert_eq!(tensors(inputs.clone(), body.clone()).unwrap(), all);
        assert!(tensors(inputs[..1].to_vec(), body.clone()).is_err());
        assert!(tensors(inputs, body.slice(1..)).is_err());
        assert!(read::<Request>(&mut &bytes[..], 4).is_err());
        for end in 1..bytes.len() {
            assert!(read::<Request>(&mut &bytes[..end], 100).is_err(), "{end}");
        }
        assert!(read::<Request>(&mut &[][..], 100).unwrap().is_none());

        // The same out of pieces, with the beginning of the next behind it.
        let mut pieces = BytesMut::new();
        for byte in &bytes {
            assert!(take::<Request>(&mut pieces, 100).unwrap().is_none());
            pieces.extend_from_slice(&[*byte]);
        }
        pieces.extend_from_slice(&bytes[..5]);
        let (Request::Run { inputs, .. }, body) = take(&mut pieces, 100).unwrap().unwrap() else {
            panic!()
        };
        assert_eq!(tensors(inputs, body).unwrap(), all);
        assert_eq!(pieces, bytes[..5]);
        assert!(take::<Request>(&mut BytesMut::from(&bytes[..]), 4).is_err());
    }

    #[test]
    fn lengths_that_lie_reserve_nothing() {
        let mut bytes = opening(&Request::Cancel { id: 1 }, u64::MAX).unwrap();
        assert!(matches!(
            read::<Request>(&mut &bytes[..], 1 << 40),
            Err(WireError::TooLarge { .. })
        ));
        bytes[4..PREFIX].copy_from_slice(&(1_u64 << 39).to_le_bytes());
        assert!(matches!(read::<Request>(&mut &bytes[..], 1 << 40), Err(WireError::Io(_))));
    }
}
