//! What is uploaded, read as it arrives and held against all that its sender says of it: digests,
//! checksums, signatures and lengths.

use super::checksum::{Checksum, PREFIX};
use super::request::Call;
use crate::artifacts::{Upload, Whole};
use crate::registry::{Kind, Refusal};
use crate::web::sigv4::chunked::{ChunkError, Decoder, Piece};
use crate::web::{Integrity, body};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};

/// Most bytes of an object that is put at once, or of a part (S3 user guide, "Amazon S3 multipart
/// upload limits").
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// What arrived, and the checksum that its sender gave, as a header and its value.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) whole: Whole,
    pub(super) checksum: Option<(String, String)>,
}

/// Bytes of a body, out of their chunks if they come in some.
struct Content {
    decoder: Option<Decoder>,
    ended: bool,
}

impl Content {
    fn new(call: &Call) -> Self {
        let decoder = match &call.integrity {
            Integrity::Chunked(chain) => Some(Decoder::new(chain.clone())),
            Integrity::Digest(_) | Integrity::Unsigned => None,
        };
        Self { decoder, ended: false }
    }

    async fn next(&mut self, call: &mut Call) -> Result<Option<Bytes>, Refusal> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                match decoder.take().map_err(|error| refusal(&error))? {
                    Piece::Data(data) => return Ok(Some(data)),
                    Piece::More | Piece::End => {}
                }
            }
            if self.ended {
                return Ok(None);
            }
            let next = body::next(&mut call.body).await;
            let next = next.map_err(|error| damaged("length", error.to_string()))?;
            match (next, &mut self.decoder) {
                (Some(bytes), Some(decoder)) => decoder.feed(&bytes),
                (Some(bytes), None) => return Ok(Some(bytes)),
                (None, decoder) => {
                    self.ended = true;
                    if let Some(decoder) = decoder {
                        decoder.finish().map_err(|error| refusal(&error))?;
                    }
                    return Ok(None);
                }
            }
        }
    }
}

fn damaged(what: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(Kind::Damaged, message).about(what, "")
}

fn refusal(error: &ChunkError) -> Refusal {
    match error {
        ChunkError::Mismatch => Refusal::new(Kind::Denied, error.to_string()),
        ChunkError::Cut => damaged("length", error.to_string()),
        ChunkError::Malformed(_) => Refusal::invalid(error.to_string()),
    }
}

/// Store what is uploaded, without a name yet.
pub(super) async fn store(call: &mut Call) -> Result<Arrived, Refusal> {
    let header = checksum_header(call)?;
    let mut checksum = header.as_deref().and_then(Checksum::new);
    if let Some(length) =
        call.header("content-length").and_then(|length| length.parse::<u64>().ok())
        && length > LARGEST
    {
        return Err(Refusal::new(Kind::TooLarge, format!("it has more than {LARGEST} bytes")));
    }
    let mut upload: Upload = call.registry.artifacts.upload(LARGEST).await?;
    let mut content = Content::new(call);
    while let Some(bytes) = content.next(call).await? {
        if let Some(checksum) = &mut checksum {
            checksum.update(&bytes);
        }
        upload.write(&bytes).await?;
    }
    let whole = upload.finish().await?;

    let says = |name: &str| call.header(name);
    let length = says("x-amz-decoded-content-length").filter(|_| content.decoder.is_some());
    if length.is_some_and(|length| length != whole.size().to_string()) {
        return Err(damaged("length", "x-amz-decoded-content-length is not what arrived"));
    }
    if let Integrity::Digest(digest) = &call.integrity
        && *digest != whole.digest().to_string()
    {
        return Err(damaged("digest", "x-amz-content-sha256 is not that of what arrived"));
    }
    if says("content-md5").is_some_and(|md5| md5 != STANDARD.encode(whole.md5())) {
        return Err(damaged("md5", "Content-MD5 is not that of what arrived"));
    }
    let made = checksum.map(Checksum::finish);
    let checksum = header.zip(made);
    if let Some((header, made)) = &checksum {
        let trailer = content.decoder.as_ref().and_then(|decoder| decoder.trailer(header));
        let said = says(header).or(trailer);
        if said.is_some_and(|said| said != made) {
            return Err(damaged("checksum", format!("{header} is not that of what arrived")));
        }
    }
    Ok(Arrived { whole, checksum })
}

/// Read a document of so many bytes at most.
pub(super) async fn document(call: &mut Call, limit: usize) -> Result<Vec<u8>, Refusal> {
    let header = checksum_header(call)?;
    let mut content = Content::new(call);
    let mut document = Vec::new();
    while let Some(bytes) = content.next(call).await? {
        if document.len() + bytes.len() > limit {
            return Err(Refusal::new(Kind::TooLarge, format!("it has more than {limit} bytes")));
        }
        document.extend_from_slice(&bytes);
    }
    if let Integrity::Digest(digest) = &call.integrity
        && *digest != crate::artifacts::Digest::of(&document).to_string()
    {
        return Err(damaged("digest", "x-amz-content-sha256 is not that of what arrived"));
    }
    let md5 = || STANDARD.encode(Md5::digest(&document));
    if call.header("content-md5").is_some_and(|said| said != md5()) {
        return Err(damaged("md5", "Content-MD5 is not that of what arrived"));
    }
    if let Some((header, mut checksum)) =
        header.and_then(|header| Checksum::new(&header).map(|checksum| (header, checksum)))
    {
        checksum.update(&document);
        let trailer = content.decoder.as_ref().and_then(|decoder| decoder.trailer(&header));
        let said = call.header(&header).or(trailer);
        if said.is_some_and(|said| said != checksum.finish()) {
            return Err(damaged("checksum", format!("{header} is not that of what arrived")));
        }
    }
    Ok(document)
}

/// The header in which the checksum stands, before the body or after it.
fn checksum_header(call: &Call) -> Result<Option<String>, Refusal> {
    let before = call.headers.keys().map(http::HeaderName::as_str).find(|name| {
        name.starts_with(PREFIX)
            && !["algorithm", "mode", "type"].iter().any(|end| name.ends_with(end))
    });
    let after = call.header("x-amz-trailer").map(str::trim);
    let header = before.or(after).map(str::to_ascii_lowercase);
    match header {
        Some(header) if Checksum::new(&header).is_none() => {
            let message = format!("gg-cloud does not serve {header}");
            Err(Refusal::new(Kind::NotServed, message))
        }
        header => Ok(header),
    }
}
