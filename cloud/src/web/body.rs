//! Bodies of requests, with limits on how much they are and how long they take.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;

/// Longest pause within a body.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is read and thrown away of a refused request, so that its sender gets to read the answer.
const DISCARDED: usize = 16 * 1024 * 1024;

/// The longest that this takes.
const DISCARDING: Duration = Duration::from_secs(10);

/// Why a body is not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BodyError {
    /// There is too much of it.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// Nothing came for too long.
    #[error("the body stopped arriving")]
    Stalled,
    /// The connection broke.
    #[error("the body did not arrive: {0}")]
    Broken(String),
}

/// The next bytes of a body; `None` at its end.
///
/// # Errors
/// It stopped arriving.
pub async fn next(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    loop {
        let frame = timeout(LONGEST_PAUSE, body.frame()).await.map_err(|_| BodyError::Stalled)?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(BodyError::Broken(error.to_string())),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => {}
            },
        }
    }
}

/// All of a body, of so many bytes at most.
///
/// # Errors
/// It is too large, or stopped arriving.
pub async fn read(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut all = BytesMut::new();
    while let Some(data) = next(&mut body).await? {
        if all.len() + data.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

/// Throw away what still arrives, within limits.
pub(super) async fn discard(body: Incoming) {
    discard_rest(&mut Body::new(body)).await;
}

/// Throw away what still arrives, within limits.
pub async fn discard_rest(body: &mut Body) {
    let discard = async {
        let mut left = DISCARDED;
        while let Ok(Some(data)) = next(body).await {
            match left.checked_sub(data.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    let _in_time = timeout(DISCARDING, discard).await;
}
