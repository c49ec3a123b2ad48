use super::*;

/// The prelude of a frame of the greatest length.
fn giant() -> Vec<u8> {
    let mut bytes = vec![0x01, 0x80, 0, 0, 0, 0, 0, 0];
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn held(decoder: &Decoder) -> usize {
    match &decoder.state {
        State::Frame { bytes, .. } => bytes.capacity(),
        State::Prelude { .. } | State::Failed(_) => 0,
    }
}

#[test]
fn a_great_length_reserves_nothing() {
    let mut decoder = Decoder::new(MAX_FRAME_BYTES);
    assert_eq!(decoder.decode(&mut giant().as_slice()), Ok(None));
    assert_eq!(held(&decoder), PRELUDE);
    let mut came = PRELUDE;
    for size in [1, 1, 10, 100, 1000, 10_000, 1] {
        assert_eq!(decoder.decode(&mut vec![0; size].as_slice()), Ok(None));
        came += size;
        assert!(held(&decoder) <= 2 * came, "{} bytes held of {came}", held(&decoder));
    }
}

#[test]
fn no_more_is_held_than_the_frame_has() {
    let mut frame = Vec::new();
    let payload = Payload(vec![1; 1000].into());
    Frame { payload, ..Frame::default() }.encode(2000, &mut frame).unwrap();
    let mut decoder = Decoder::new(2000);
    for byte in &frame[..frame.len() - 1] {
        assert_eq!(decoder.decode(&mut [*byte].as_slice()), Ok(None));
        assert!(held(&decoder) <= frame.len());
    }
    assert!(decoder.is_inside_frame());
    assert!(decoder.decode(&mut &frame[frame.len() - 1..]).unwrap().is_some());
    assert_eq!(held(&decoder), 0);
}

#[test]
fn after_an_error_nothing_is_read() {
    let mut decoder = Decoder::new(1000);
    let error = decoder.decode(&mut giant().as_slice()).unwrap_err();
    assert_eq!(error, FrameError::Length { length: MAX_FRAME_BYTES, limit: 1000 });
    let mut good = Vec::new();
    Frame::default().encode(1000, &mut good).unwrap();
    let mut rest = good.as_slice();
    assert_eq!(decoder.decode(&mut rest), Err(error));
    assert_eq!(rest.len(), good.len());
}

#[test]
fn the_limit_can_be_raised_between_frames() {
    let mut frame = Vec::new();
    let payload = Payload(vec![1; 1000].into());
    Frame { payload, ..Frame::default() }.encode(2000, &mut frame).unwrap();
    let mut decoder = Decoder::new(100);
    assert!(decoder.decode(&mut [].as_slice()).unwrap().is_none());
    decoder.set_limit(2000);
    assert!(decoder.decode(&mut frame.as_slice()).unwrap().is_some());
}
