//! The command line's end of Greengrass IPC. Blocks, since there is nothing else to do meanwhile.

use super::operators::Pass;
use gg_ipc::handshake::{self, Denied};
use gg_ipc::operation::Call;
use gg_ipc::{
    Decoder, EncodeError, FrameError, Message, MessageError, OperationError, PayloadError,
    ReplyError, StreamId, StreamMessage, frame,
};
use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::marker::PhantomData;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long a nucleus may take to be back.
const AWAY: Duration = Duration::from_secs(120);

/// Why something could not be asked, or was not done.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody is there.
    #[error(
        "no nucleus runs in {root}; start one with gg-host start --root {root}",
        root = .0.display()
    )]
    NoNucleus(PathBuf),
    /// This user is not let in.
    #[error(
        "{} belongs to another user; run this as the user that runs the nucleus, or as one of \
         AuthorizedPosixGroups",
        .0.display()
    )]
    OfAnother(PathBuf),
    /// A file or the socket cannot be opened.
    #[error("cannot open {}: {}", .0.display(), .1)]
    Open(PathBuf, #[source] io::Error),
    /// What is there is not what a nucleus of this version would have.
    #[error("the nucleus speaks another version")]
    Version,
    /// It does not let this client in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The nucleus has ended, perhaps to start again.
    #[error("the nucleus ended before it had answered")]
    Gone,
    /// The socket fails.
    #[error("cannot talk to the nucleus: {0}")]
    Socket(io::Error),
    /// The request cannot be sent.
    #[error(transparent)]
    Request(#[from] PayloadError),
    /// The request is too long.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What came is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What came is no message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The nucleus ends the connection, as it says.
    #[error("the nucleus ends the connection: {0}")]
    Said(String),
    /// The operation failed.
    #[error("{}", .0.message())]
    Operation(OperationError),
    /// The answer is not what was expected.
    #[error(transparent)]
    Reply(ReplyError),
}

impl From<ReplyError> for ClientError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Operation(error) => Self::Operation(error),
            ReplyError::Ended => Self::Gone,
            error => Self::Reply(error),
        }
    }
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => {
                Self::Gone
            }
            _ => Self::Socket(error),
        }
    }
}

/// A connection to the nucleus of a root folder.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    decoder: Decoder,
    last: Option<StreamId>,
}

/// Ask one thing.
///
/// # Errors
/// No nucleus runs there, or it could not do what it was asked.
pub fn ask<C: Call>(root: &Path, request: &C::Request) -> Result<C::Response, ClientError> {
    Client::connect(root)?.call::<C>(request)
}

/// Talk to a nucleus, and again from the beginning when it ends meanwhile and comes back: a
/// deployment can make it start again.
///
/// # Errors
/// No nucleus runs there, it does not come back within two minutes, or what `talk` says.
pub fn through_restarts<T>(
    root: &Path,
    mut talk: impl FnMut(Client) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let mut client = Client::connect(root)?;
    loop {
        match talk(client) {
            Err(ClientError::Gone) => client = reconnect(root)?,
            said => return said,
        }
    }
}

fn reconnect(root: &Path) -> Result<Client, ClientError> {
    let begin = Instant::now();
    loop {
        match Client::connect(root) {
            // It has a token for each of its lives.
            Err(ClientError::Denied(_) | ClientError::Gone | ClientError::NoNucleus(_))
                if begin.elapsed() < AWAY =>
            {
                std::thread::sleep(Duration::from_millis(50));
            }
            connected => return connected,
        }
    }
}

impl Client {
    /// Connect to the nucleus of a root folder, with the token that is there for this user.
    ///
    /// # Errors
    /// No nucleus runs there, or this user is not let in.
    pub fn connect(root: &Path) -> Result<Self, ClientError> {
        let Pass { cli_auth_token, domain_socket_path } = Pass::find(root)?;
        let stream =
            UnixStream::connect(&domain_socket_path).map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                    ClientError::NoNucleus(root.to_owned())
                }
                _ => ClientError::Open(domain_socket_path, error),
            })?;
        let mut client = Self::over(stream);
        client.send(&handshake::connect(&cli_auth_token)?)?;
        handshake::accepted(&client.read()?)?;
        Ok(client)
    }

    fn over(stream: UnixStream) -> Self {
        let decoder = Decoder::new(frame::MAX_FRAME_BYTES);
        Self { stream: BufReader::new(stream), decoder, last: None }
    }

    /// Call an operation that answers once.
    ///
    /// # Errors
    /// It fails, or the connection does.
    pub fn call<C: Call>(&mut self, request: &C::Request) -> Result<C::Response, ClientError> {
        let stream = self.begin::<C>(request)?;
        loop {
            let message = self.read_stream()?;
            if message.stream == stream {
                return Ok(message.read_response::<C>()?);
            }
        }
    }

    /// Subscribe to one thing or several, for as long as the events are kept.
    ///
    /// # Errors
    /// The connection fails. Whether the operation does is told by the events.
    pub fn subscribe<C: Call>(mut self, requests: &[C::Request]) -> Result<Events<C>, ClientError> {
        let mut open = HashMap::new();
        for request in requests {
            open.insert(self.begin::<C>(request)?, State::Asked);
        }
        Ok(Events { client: self, open, of: PhantomData })
    }

    fn begin<C: Call>(&mut self, request: &C::Request) -> Result<StreamId, ClientError> {
        let stream = self.last.map_or(Some(StreamId::FIRST), StreamId::next);
        let stream = stream.ok_or(ClientError::Gone)?;
        self.last = Some(stream);
        self.send(&Message::Stream(StreamMessage::request::<C>(stream, request)?))?;
        Ok(stream)
    }

    fn send(&mut self, message: &Message) -> Result<(), ClientError> {
        let mut bytes = Vec::new();
        message.encode(frame::MAX_FRAME_BYTES, &mut bytes)?;
        Ok(self.stream.get_mut().write_all(&bytes)?)
    }

    fn read_stream(&mut self) -> Result<StreamMessage, ClientError> {
        loop {
            match self.read()? {
                Message::Stream(message) => return Ok(message),
                Message::Ping(ping) => self.send(&Message::PingResponse(ping))?,
                Message::ProtocolError(reason) | Message::InternalError(reason) => {
                    return Err(ClientError::Said(reason));
                }
                Message::Connect(_) | Message::ConnectAck { .. } | Message::PingResponse(_) => {}
            }
        }
    }

    fn read(&mut self) -> Result<Message, ClientError> {
        loop {
            let mut bytes = self.stream.fill_buf()?;
            let came = bytes.len();
            if came == 0 {
                return Err(ClientError::Gone);
            }
            let frame = self.decoder.decode(&mut bytes)?;
            let left = bytes.len();
            self.stream.consume(came - left);
            if let Some(frame) = frame {
                return Ok(Message::read(frame)?);
            }
        }
    }
}

/// What follows on subscriptions, as it comes; none when all have ended.
#[derive(Debug)]
pub struct Events<C> {
    client: Client,
    open: HashMap<StreamId, State>,
    of: PhantomData<C>,
}

/// How far a subscription has come.
#[derive(Clone, Copy, Debug)]
enum State {
    Asked,
    Answered,
}

impl<C: Call> Events<C> {
    fn next_event(&mut self) -> Result<Option<C::Event>, ClientError> {
        while !self.open.is_empty() {
            let message = self.client.read_stream()?;
            let Some(state) = self.open.get_mut(&message.stream) else { continue };
            if let State::Asked = state {
                message.read_response::<C>()?;
                *state = State::Answered;
                continue;
            }
            match message.read_event::<C>() {
                Err(ReplyError::Ended) => drop(self.open.remove(&message.stream)),
                event => return Ok(Some(event?)),
            }
        }
        Ok(None)
    }
}

impl<C: Call> Iterator for Events<C> {
    type Item = Result<C::Event, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client, and the other end of its connection.
    fn connected() -> (Client, UnixStream) {
        let (stream, other) = UnixStream::pair().unwrap();
        (Client::over(stream), other)
    }

    #[test]
    fn a_frame_that_is_too_long_ends_the_connection() {
        let (mut client, mut nucleus) = connected();
        // 24 MiB and a byte, no headers, and the checksum of that.
        let lengths = [0x01, 0x80, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x1c, 0xfe, 0x1c, 0xb5];
        nucleus.write_all(&lengths).unwrap();
        let error = client.read().unwrap_err();
        assert!(matches!(error, ClientError::Frame(FrameError::Length { .. })), "{error}");
    }

    #[test]
    fn a_nucleus_that_ends_is_gone() {
        let (mut client, nucleus) = connected();
        drop(nucleus);
        assert!(matches!(client.read(), Err(ClientError::Gone)));
    }
}
