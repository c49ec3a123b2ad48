use super::*;
use crate::header::HeaderValue;
use crate::testing::{VECTORS, any_bytes, unhex};
use bytes::Bytes;
use proptest::prelude::*;

fn decode(mut bytes: &[u8], limit: usize) -> Result<Option<Frame>, FrameError> {
    let frame = Decoder::new(limit).decode(&mut bytes);
    assert!(bytes.is_empty() || frame.is_err());
    frame
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(MAX_FRAME_BYTES, &mut bytes).unwrap();
    bytes
}

/// A prelude with a good checksum, whatever its lengths say.
fn prelude(total: u32, headers: u32) -> Vec<u8> {
    let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// A frame with good checksums around any headers.
fn frame_of(headers: &[u8]) -> Vec<u8> {
    let length = u32::try_from(headers.len()).unwrap();
    let mut bytes = prelude(16 + length, length);
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn any_frame() -> impl Strategy<Value = Frame> {
    (proptest::collection::vec((".{0,20}", any_bytes()), 0..4), any_bytes()).prop_map(
        |(headers, payload)| {
            let headers =
                headers.iter().map(|(name, value)| (&**name, HeaderValue::Bytes(&value[..])));
            Frame { headers: Headers::new(headers).unwrap(), payload: Payload(payload.into()) }
        },
    )
}

#[test]
fn frames_of_real_clients_are_read_and_written_alike() {
    for vector in VECTORS {
        let bytes = unhex(vector);
        let frame = decode(&bytes, MAX_FRAME_BYTES).unwrap().unwrap();
        assert_eq!(encoded(&frame), bytes);
    }
    assert_eq!(encoded(&Frame::default()), unhex(VECTORS[4]));
}

#[test]
fn what_is_cut_off_is_no_frame_yet() {
    for vector in VECTORS {
        let bytes = unhex(vector);
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end], MAX_FRAME_BYTES), Ok(None));
        }
    }
}

#[test]
fn every_changed_bit_is_noticed() {
    for vector in VECTORS {
        let good = unhex(vector);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let expected =
                if bit < 12 * 8 { FrameError::PreludeChecksum } else { FrameError::Checksum };
            assert_eq!(decode(&bytes, MAX_FRAME_BYTES), Err(expected), "bit {bit}");
        }
    }
}

#[test]
fn lengths_outside_the_limits_are_refused_at_once() {
    for (total, headers) in [(0, 0), (15, 0), (10_001, 0), (u32::MAX, 0), (u32::MAX, u32::MAX)] {
        let length = total as usize;
        let expected = FrameError::Length { length, limit: 10_000 };
        assert_eq!(decode(&prelude(total, headers), 10_000), Err(expected));
    }
    for (total, headers) in [(16, 1), (100, 85), (100, u32::MAX)] {
        let (headers, length) = (headers as usize, total as usize);
        let bytes = prelude(total, u32::try_from(headers).unwrap());
        assert_eq!(decode(&bytes, 10_000), Err(FrameError::HeadersLength { headers, length }));
    }
    let length = header::MAX_BLOCK_BYTES + 1;
    let bytes = prelude(1_000_000, u32::try_from(length).unwrap());
    assert_eq!(decode(&bytes, MAX_FRAME_BYTES), Err(HeaderError::BlockTooLong { length }.into()));
}

#[test]
fn no_limit_is_above_that_of_the_clients() {
    let length = MAX_FRAME_BYTES + 1;
    let bytes = prelude(u32::try_from(length).unwrap(), 0);
    let expected = FrameError::Length { length, limit: MAX_FRAME_BYTES };
    assert_eq!(decode(&bytes, usize::MAX), Err(expected));
    let payload = Payload(vec![0; MAX_FRAME_BYTES - 15].into());
    let frame = Frame { payload, ..Frame::default() };
    let mut out = Vec::new();
    let expected = EncodeError::TooLong { length, limit: MAX_FRAME_BYTES };
    assert_eq!(frame.encode(usize::MAX, &mut out), Err(expected));
}

#[test]
fn the_limit_of_small_clients_is_exact() {
    for (payload, fits) in [(SMALL_FRAME_BYTES - 16, true), (SMALL_FRAME_BYTES - 15, false)] {
        let frame = Frame { payload: Payload(vec![7; payload].into()), ..Frame::default() };
        let bytes = encoded(&frame);
        assert_eq!(decode(&bytes, SMALL_FRAME_BYTES).is_ok(), fits);
        let mut out = b"before".to_vec();
        assert_eq!(frame.encode(SMALL_FRAME_BYTES, &mut out).is_ok(), fits);
        // What cannot be sent leaves nothing behind.
        assert_eq!(out.len(), 6 + if fits { SMALL_FRAME_BYTES } else { 0 });
    }
}

#[test]
fn headers_that_go_beyond_their_end_are_refused() {
    // Each of them is cut off by the end of the headers, not of the frame.
    for headers in [&b"\x05ab"[..], b"\x01a", b"\x01a\x04\0\0\0", b"\x01a\x07\0\x09abc", b"\0\x09"]
    {
        assert_eq!(
            decode(&frame_of(headers), MAX_FRAME_BYTES),
            Err(HeaderError::CutOff.into()),
            "{headers:?}"
        );
    }
    assert_eq!(
        decode(&frame_of(b"\x01a\x0a"), MAX_FRAME_BYTES),
        Err(HeaderError::UnknownKind(10).into())
    );
}

proptest! {
    #[test]
    fn frames_survive_any_pieces(
        frames in proptest::collection::vec(any_frame(), 0..4),
        sizes in proptest::collection::vec(1_usize..50, 1..20),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(encoded).collect();
        let (mut decoder, mut found, mut rest) = (Decoder::new(MAX_FRAME_BYTES), vec![], &bytes[..]);
        let mut sharing = Decoder::new(MAX_FRAME_BYTES);
        for size in sizes.iter().cycle() {
            let mut piece = rest.split_off(..rest.len().min(*size)).unwrap();
            let mut shared = Bytes::copy_from_slice(piece);
            while !piece.is_empty() {
                let frame = decoder.decode(&mut piece).unwrap();
                prop_assert_eq!(sharing.decode_shared(&mut shared).unwrap(), frame.clone());
                prop_assert_eq!(shared.len(), piece.len());
                found.extend(frame);
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(!decoder.is_inside_frame() && !sharing.is_inside_frame());
        prop_assert_eq!(found, frames);
    }

    #[test]
    fn any_bytes_give_a_frame_or_an_error(bytes in any_bytes()) {
        let (mut rest, mut shared) = (&bytes[..], Bytes::from(bytes.clone()));
        let (mut decoder, mut sharing) = (Decoder::new(1000), Decoder::new(1000));
        while !rest.is_empty() {
            let decoded = decoder.decode(&mut rest);
            prop_assert_eq!(sharing.decode_shared(&mut shared), decoded.clone());
            if decoded.is_err() {
                break;
            }
        }
    }

    #[test]
    fn any_headers_give_a_frame_or_an_error(headers in any_bytes()) {
        let bytes = frame_of(&headers);
        if let Ok(frame) = decode(&bytes, MAX_FRAME_BYTES) {
            prop_assert_eq!(encoded(&frame.unwrap()), bytes);
        }
    }
}
