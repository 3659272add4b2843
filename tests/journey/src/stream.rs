//! A stream of server-sent events as it comes over a socket: the head of the answer, the chunks of its body (RFC 9112, 7.1),
//! the lines in them.

use anyhow::Context as _;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Where in the answer the next byte lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Size,
    Data(usize),
    /// The line break behind a chunk.
    Behind,
    Over,
}

/// Takes bytes as they come and gives the lines of the body. A chunk may end anywhere, also within a line.
#[derive(Debug)]
struct Unchunked {
    place: Place,
    /// The head, and then the line with a chunk's size.
    words: Vec<u8>,
    line: Vec<u8>,
}

impl Unchunked {
    fn new() -> Self {
        Self { place: Place::Head, words: Vec::new(), line: Vec::new() }
    }

    fn take(&mut self, byte: u8, lines: &mut VecDeque<String>) -> anyhow::Result<()> {
        match self.place {
            Place::Head => {
                self.words.push(byte);
                if self.words.ends_with(b"\r\n\r\n") {
                    let head = String::from_utf8_lossy(&self.words).to_ascii_lowercase();
                    let is_chunked = head.contains("transfer-encoding: chunked");
                    lines.extend(head.lines().map(str::to_owned));
                    self.words.clear();
                    // Whoever is refused gets an answer of known length, of which the head says enough.
                    self.place = if is_chunked { Place::Size } else { Place::Over };
                }
            }
            Place::Size => {
                self.words.push(byte);
                if byte == b'\n' {
                    let size = String::from_utf8_lossy(&self.words).trim().to_owned();
                    let bytes = usize::from_str_radix(&size, 16).with_context(|| format!("no size: {size:?}"))?;
                    self.words.clear();
                    self.place = if bytes == 0 { Place::Over } else { Place::Data(bytes) };
                }
            }
            Place::Data(left) => {
                if byte == b'\n' {
                    lines.push_back(String::from_utf8_lossy(&self.line).into_owned());
                    self.line.clear();
                } else {
                    self.line.push(byte);
                }
                self.place = if left == 1 { Place::Behind } else { Place::Data(left - 1) };
            }
            Place::Behind => {
                if byte == b'\n' {
                    self.place = Place::Size;
                }
            }
            Place::Over => {}
        }
        Ok(())
    }
}

/// An open stream of the inbox.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    body: Unchunked,
    lines: VecDeque<String>,
    is_over: bool,
    waits: bool,
    /// The `id` of the block that has not ended.
    named: String,
    /// The head of the answer, in small letters, once it is there.
    pub head: Option<String>,
    /// The last `id` that was told, its block to the end.
    pub seen: String,
}

impl Stream {
    /// Asks for the stream behind the entry `seen`, from the present where that is empty; a read waits for at most `limit`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn ask(address: SocketAddr, token: &str, seen: &str, limit: Duration) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(address).context("opening a stream")?;
        socket.set_read_timeout(Some(limit))?;
        let resumes = if seen.is_empty() { String::new() } else { format!("last-event-id: {seen}\r\n") };
        write!(
            socket,
            "GET /v1/notifications/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{resumes}\r\n"
        )?;
        let (lines, seen) = (VecDeque::new(), seen.to_owned());
        Ok(Self {
            socket,
            body: Unchunked::new(),
            lines,
            is_over: false,
            waits: true,
            named: String::new(),
            head: None,
            seen,
        })
    }

    /// From now on [`Stream::line`] waits for nothing.
    ///
    /// # Errors
    /// The system's.
    pub fn do_not_wait(&mut self) -> anyhow::Result<()> {
        self.waits = false;
        self.socket.set_nonblocking(true).context("a socket that does not wait")
    }

    /// The next line of the body. `None` at the end, or where nothing is there and nobody waits: [`Stream::is_over`] tells.
    ///
    /// # Errors
    /// When the connection breaks, nothing comes in time, or it is no stream.
    pub fn line(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if self.head.is_none()
                && let Some(end) = self.lines.iter().position(String::is_empty)
            {
                let head: Vec<String> = self.lines.drain(..=end).collect();
                self.head = Some(head.join("\n"));
            }
            if let (Some(_), Some(line)) = (&self.head, self.lines.pop_front()) {
                // An event counts once its block has ended: a connection may break before.
                if let Some(id) = line.strip_prefix("id: ") {
                    self.named = id.to_owned();
                } else if line.is_empty() && !self.named.is_empty() {
                    self.seen = core::mem::take(&mut self.named);
                }
                return Ok(Some(line));
            }
            if self.is_over || self.body.place == Place::Over {
                self.is_over = true;
                return Ok(None);
            }
            let mut bytes = [0; 4096];
            match self.socket.read(&mut bytes) {
                Ok(0) => self.is_over = true,
                Ok(taken) => {
                    for byte in bytes.iter().take(taken) {
                        self.body.take(*byte, &mut self.lines)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && !self.waits => return Ok(None),
                // A read that waited in vain for as long as it may ends so as well.
                Err(error) => return Err(error).context("reading a stream"),
            }
        }
    }

    /// The next event and its data, once all of it is there; `None` at the end.
    ///
    /// # Errors
    /// As [`Stream::line`], or the data is no JSON.
    pub fn event(&mut self) -> anyhow::Result<Option<(String, Value)>> {
        let (mut kind, mut data) = (None, None);
        while let Some(line) = self.line()? {
            match line.split_once(": ") {
                Some(("event", name)) => kind = Some(name.to_owned()),
                Some(("data", json)) => data = Some(serde_json::from_str(json).context("data that is no JSON")?),
                _ if line.is_empty() => {
                    if let (Some(kind), Some(data)) = (kind.take(), data.take()) {
                        return Ok(Some((kind, data)));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        self.is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_wherever_the_chunks_end() {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                      5\r\nid: 7\r\n9\r\n-1\nevent:\r\n6\r\n read\n\r\n0\r\n\r\n";
        let mut lines = VecDeque::new();
        let mut body = Unchunked::new();
        for byte in answer.bytes() {
            body.take(byte, &mut lines).unwrap();
        }
        let lines: Vec<String> = lines.into_iter().collect();
        assert_eq!(lines[..2], ["http/1.1 200 ok", "transfer-encoding: chunked"]);
        assert_eq!(lines[3..], ["id: 7-1", "event: read"]);
        assert_eq!(body.place, Place::Over);
    }
}
