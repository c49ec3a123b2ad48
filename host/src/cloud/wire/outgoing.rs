//! Packets on their way out, in order. A long payload is not copied to lie beside the others'.

use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::IoSlice;

/// A payload of so many bytes is cheaper to name than to copy.
const LONG: usize = 2048;

/// Bytes that are to be sent, in parts.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// What comes before the open part, and how many bytes that is.
    parts: VecDeque<Bytes>,
    length: usize,
    open: BytesMut,
}

impl Outgoing {
    /// How many bytes.
    pub fn len(&self) -> usize {
        self.length + self.open.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where packets are written.
    pub fn open(&mut self) -> &mut BytesMut {
        &mut self.open
    }

    /// Add the rest of a packet.
    pub fn put(&mut self, payload: &Bytes) {
        if payload.len() < LONG {
            return self.open.extend_from_slice(payload);
        }
        for part in [self.open.split().freeze(), payload.clone()] {
            self.length += part.len();
            self.parts.push_back(part);
        }
    }
}

impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&*self.open, |part| part)
    }

    fn chunks_vectored<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let parts = self.parts.iter().map(|part| &**part).chain([&*self.open]);
        let mut count = 0;
        for (slot, part) in out.iter_mut().zip(parts.filter(|part| !part.is_empty())) {
            *slot = IoSlice::new(part);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(part) = self.parts.front_mut() {
            let taken = count.min(part.len());
            part.advance(taken);
            self.length -= taken;
            count -= taken;
            if !part.is_empty() {
                return;
            }
            self.parts.pop_front();
        }
        self.open.advance(count);
    }
}
