//! Greengrass IPC by hand: bytes over the socket, written and read with nothing of the program's own.

use crate::device::Device;
use crate::host::{DEADLINE, Host};
use crate::native::crc32;
use serde_json::Value;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Numbers of messages.
pub(super) const APPLICATION_MESSAGE: i32 = 0;
pub(super) const APPLICATION_ERROR: i32 = 1;
pub(super) const PING: i32 = 2;
const CONNECT: i32 = 4;
const CONNECT_ACK: i32 = 5;

/// The flag of the last message of a stream, and of one that is accepted.
pub(super) const TERMINATE: i32 = 2;
const ACCEPTED: i32 = 1;

/// The value of a header, of a type that every client reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Header<'a> {
    Int32(i32),
    Text(&'a str),
}

/// A frame that was received.
#[derive(Debug)]
pub(super) struct Frame {
    /// Bytes of all of it.
    pub(super) length: usize,
    ints: Vec<(String, i32)>,
    texts: Vec<(String, String)>,
    pub(super) payload: Vec<u8>,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Raw {
    stream: UnixStream,
    next: i32,
}

/// A component that does nothing but keep its token where the test reads it.
pub(super) fn token_holder(device: &Device, name: &str, configuration: &str) {
    device.recipe(
        name,
        "1.0.0",
        &format!(
            "ComponentConfiguration:\n  DefaultConfiguration: {configuration}\n\
             Manifests:\n  - Platform: {{os: linux}}\n    Lifecycle:\n      \
             run: 'echo $SVCUID > token; echo has it; exec sleep 100000'\n"
        ),
    );
}

/// The token of such a component, which is deployed.
pub(super) fn token(device: &Device, nucleus: &mut Host, name: &str) -> String {
    nucleus.wait_until_said(name, "has it");
    let text = fs::read_to_string(device.root().join("work").join(name).join("token"));
    text.unwrap().trim().to_owned()
}

/// The bytes of a frame.
pub(super) fn frame(headers: &[(&str, Header<'_>)], payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(u8::try_from(name.len()).unwrap());
        block.extend(name.as_bytes());
        match value {
            Header::Int32(number) => {
                block.push(4);
                block.extend(number.to_be_bytes());
            }
            Header::Text(text) => {
                block.push(7);
                block.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
                block.extend(text.as_bytes());
            }
        }
    }
    sealed(16 + block.len() + payload.len(), block.len(), &[block.as_slice(), payload].concat())
}

/// A frame that says that it has these lengths, with checksums that fit what it holds.
pub(super) fn sealed(total: usize, headers: usize, body: &[u8]) -> Vec<u8> {
    let lengths = [total, headers].map(|length| u32::try_from(length).unwrap().to_be_bytes());
    let mut bytes = lengths.concat();
    bytes.extend(crc32(&bytes).to_be_bytes());
    bytes.extend(body);
    bytes.extend(crc32(&bytes).to_be_bytes());
    bytes
}

/// A message's own headers.
pub(super) fn head(kind: i32, flags: i32, stream: i32) -> Vec<(&'static str, Header<'static>)> {
    let names = [":message-type", ":message-flags", ":stream-id"];
    names.into_iter().zip([kind, flags, stream].map(Header::Int32)).collect()
}

/// The bytes of a message without more headers.
pub(super) fn message(kind: i32, flags: i32, stream: i32, payload: &str) -> Vec<u8> {
    frame(&head(kind, flags, stream), payload.as_bytes())
}

/// The bytes of the message that shows a token.
pub(super) fn connect(token: &str) -> Vec<u8> {
    let mut headers = head(CONNECT, 0, 0);
    headers.push((":version", Header::Text("0.1.0")));
    frame(&headers, format!(r#"{{"authToken": "{token}"}}"#).as_bytes())
}

/// The bytes of a request, with these headers after its own.
pub(super) fn request(
    stream: i32,
    operation: &str,
    more: &[(&'static str, Header<'static>)],
    payload: &str,
) -> Vec<u8> {
    let name = format!("aws.greengrass#{operation}");
    let model = format!("{name}Request");
    let mut headers = head(APPLICATION_MESSAGE, 0, stream);
    headers.extend_from_slice(more);
    let mut headers: Vec<(&str, Header<'_>)> = headers;
    headers.push(("operation", Header::Text(&name)));
    headers.push(("service-model-type", Header::Text(&model)));
    frame(&headers, payload.as_bytes())
}

/// What the large SDKs say of their requests, and the one for small devices does not.
pub(super) const JSON: [(&str, Header<'_>); 1] =
    [(":content-type", Header::Text("application/json"))];

/// The socket of a device.
fn socket(device: &Device) -> PathBuf {
    device.root().join("ipc.socket")
}

impl Raw {
    /// A connection on which nothing was said.
    pub(super) fn stranger(device: &Device) -> Self {
        let stream = UnixStream::connect(socket(device)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self { stream, next: 1 }
    }

    /// A connection that is let in.
    pub(super) fn new(device: &Device, token: &str) -> Self {
        let mut this = Self::stranger(device);
        assert!(this.show(token));
        this
    }

    /// Show a token; whether it is accepted.
    pub(super) fn show(&mut self, token: &str) -> bool {
        self.send(&connect(token));
        let answer = self.read().unwrap();
        assert_eq!((answer.kind(), answer.stream()), (CONNECT_ACK, 0));
        assert!(answer.payload.is_empty());
        answer.flags() == ACCEPTED
    }

    /// Send what can be sent: a connection that was closed takes nothing more.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let _closed = self.stream.write_all(bytes);
    }

    /// The number of a new stream.
    pub(super) fn stream(&mut self) -> i32 {
        self.next += 1;
        self.next - 1
    }

    /// Make a call; gives its stream.
    pub(super) fn ask(
        &mut self,
        operation: &str,
        more: &[(&'static str, Header<'static>)],
        payload: &str,
    ) -> i32 {
        let stream = self.stream();
        self.send(&request(stream, operation, more, payload));
        stream
    }

    /// Make a call that is answered once, and read the answer.
    pub(super) fn call(
        &mut self,
        operation: &str,
        more: &[(&'static str, Header<'static>)],
        payload: &str,
    ) -> Frame {
        let stream = self.ask(operation, more, payload);
        let answer = self.read().unwrap();
        assert_eq!(answer.stream(), stream, "{answer:?}");
        assert_eq!(answer.flags(), TERMINATE, "it ends its stream itself: {answer:?}");
        answer
    }

    /// The next frame; `None` at the end.
    pub(super) fn read(&mut self) -> Option<Frame> {
        let mut prelude = [0; 12];
        self.stream.read_exact(&mut prelude).ok()?;
        let word = |at: usize| u32::from_be_bytes(prelude[at..at + 4].try_into().unwrap());
        assert_eq!(word(8), crc32(&prelude[..8]));
        let (total, headers) = (word(0) as usize, word(4) as usize);
        let mut bytes = prelude.to_vec();
        bytes.resize(total, 0);
        self.stream.read_exact(&mut bytes[12..]).unwrap();
        let (bytes, checksum) = bytes.split_at(total - 4);
        assert_eq!(checksum, crc32(bytes).to_be_bytes());
        let (block, payload) = bytes[12..].split_at(headers);
        let mut frame = Frame {
            length: total,
            ints: Vec::new(),
            texts: Vec::new(),
            payload: payload.to_owned(),
        };
        frame.read_headers(block);
        Some(frame)
    }

    /// Whether the server has neither said anything nor closed it.
    pub(super) fn is_open(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let read = (&self.stream).read(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether the server has closed it, without a further word.
    pub(super) fn is_closed(&mut self) -> bool {
        self.stream.read(&mut [0]).unwrap_or(0) == 0
    }
}

impl Frame {
    fn read_headers(&mut self, mut block: &[u8]) {
        let mut take = |count: usize| {
            let (taken, rest) = block.split_at(count);
            block = rest;
            (taken.to_owned(), rest.is_empty())
        };
        loop {
            let (length, _) = take(1);
            let name = String::from_utf8(take(length[0].into()).0).unwrap();
            let last = match take(1).0[0] {
                4 => {
                    let (bytes, last) = take(4);
                    self.ints.push((name, i32::from_be_bytes(bytes.try_into().unwrap())));
                    last
                }
                7 => {
                    let length = u16::from_be_bytes(take(2).0.try_into().unwrap());
                    let (bytes, last) = take(length.into());
                    self.texts.push((name, String::from_utf8(bytes).unwrap()));
                    last
                }
                other => {
                    panic!("the header {name} is of the type {other}, which ends small clients")
                }
            };
            if last {
                return;
            }
        }
    }

    fn int(&self, name: &str) -> i32 {
        self.ints.iter().find(|(known, _)| known == name).unwrap().1
    }

    /// A header that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    pub(super) fn kind(&self) -> i32 {
        self.int(":message-type")
    }

    pub(super) fn flags(&self) -> i32 {
        self.int(":message-flags")
    }

    pub(super) fn stream(&self) -> i32 {
        self.int(":stream-id")
    }

    /// What it is of, `aws.greengrass#` left out.
    pub(super) fn model(&self) -> &str {
        self.text("service-model-type").unwrap().strip_prefix("aws.greengrass#").unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }

    /// The error that it is: the name of its shape, which its payload repeats, and its words.
    pub(super) fn error(&self) -> (String, String) {
        assert_eq!((self.kind(), self.flags()), (APPLICATION_ERROR, TERMINATE), "{self:?}");
        let json = self.json();
        assert_eq!(json["_errorCode"], self.model(), "{json}");
        assert_eq!(json["_message"], json["message"], "{json}");
        (self.model().to_owned(), json["message"].as_str().unwrap().to_owned())
    }
}
