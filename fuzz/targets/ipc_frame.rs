//! The wire of Greengrass IPC: bytes in any pieces give the same frames as in one, and what was
//! read is written alike.
#![no_main]

use bytes::Bytes;
use gg_ipc::header::Headers;
use gg_ipc::message::Message;
use gg_ipc::{Decoder, Frame, FrameError, Payload, handshake};

const LIMIT: usize = 100_000;

/// The frames up to the first error, or to the end.
fn decode(bytes: &[u8], sizes: &[u8]) -> (Vec<Frame>, Option<FrameError>) {
    let (mut decoder, mut frames, mut rest) = (Decoder::new(LIMIT), Vec::new(), bytes);
    let mut sharing = Decoder::new(LIMIT);
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| usize::from(*size).max(1));
        let (mut piece, later) = rest.split_at(size.min(rest.len()));
        let mut shared = Bytes::copy_from_slice(piece);
        while !piece.is_empty() {
            let decoded = decoder.decode(&mut piece);
            assert_eq!(sharing.decode_shared(&mut shared), decoded);
            match decoded {
                Ok(frame) => frames.extend(frame),
                Err(error) => return (frames, Some(error)),
            }
        }
        rest = later;
    }
    (frames, None)
}

/// The bytes with the checksums of one frame put right.
fn put_right(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some((lengths, rest)) = bytes.split_at_mut_checked(8)
        && let Some(checksum) = rest.first_chunk_mut()
    {
        *checksum = crc32fast::hash(lengths).to_be_bytes();
        let end = u32::from_be_bytes([lengths[0], lengths[1], lengths[2], lengths[3]]) as usize;
        if (16..=bytes.len()).contains(&end) {
            let checksum = crc32fast::hash(&bytes[..end - 4]).to_be_bytes();
            bytes[end - 4..end].copy_from_slice(&checksum);
        }
    }
    bytes
}

fn check_frame(frame: &Frame) {
    let mut bytes = Vec::new();
    frame.encode(LIMIT, &mut bytes).expect("what was read can be written");
    assert_eq!(decode(&bytes, &[]), (vec![frame.clone()], None));
    let Ok(message) = Message::read(frame.clone()) else { return };
    let _ = handshake::token(&message).map(drop);
    let mut bytes = Vec::new();
    // What ends a connection may be longer in the escapes of our own.
    if message.encode(2 * LIMIT, &mut bytes).is_ok() {
        let mut decoder = Decoder::new(2 * LIMIT);
        let again = decoder.decode(&mut bytes.as_slice());
        let again = again.expect("it is good").expect("it is whole");
        assert_eq!(Message::read(again), Ok(message));
    }
}

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, &[u8], &[u8], &[u8])| {
    let (sizes, bytes, headers, payload) = input;
    for bytes in [bytes, &put_right(bytes)] {
        let whole = decode(bytes, &[]);
        assert_eq!(decode(bytes, &sizes), whole);
        let mut written = Vec::new();
        for frame in &whole.0 {
            frame.encode(LIMIT, &mut written).expect("what was read can be written");
            check_frame(frame);
        }
        assert!(bytes.starts_with(&written));
    }
    // Headers without the checksums in front reach further.
    if let Ok(headers) = Headers::read(headers.to_vec().into()) {
        assert_eq!(Headers::new(headers.iter()).as_ref(), Ok(&headers));
        check_frame(&Frame { headers, payload: Payload(payload.to_vec().into()) });
    }
});
