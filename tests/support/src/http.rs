//! A small HTTP/1.1 server for doubles of other people's services, and the client that passes a request on: blocking,
//! one thread and one request a connection, on the loopback interface only.
//!
//! What a double needs and no server library offers is to misbehave: to cut the connection before or after the work was
//! done, to answer late or never. That is why this is own code and not a framework.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The largest body that is read: doubles see nothing large.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How long a peer may take between two bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method, in capitals.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The target up to the question mark.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The target behind the question mark.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// The content type.
    pub kind: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Told {
    /// A JSON document.
    #[must_use]
    pub fn json(status: u16, text: impl Into<String>) -> Self {
        Self { status, kind: "application/json".to_owned(), body: text.into().into_bytes() }
    }
}

/// What a double does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// It answers.
    Answer(Told),
    /// It closes the connection without a word.
    Cut,
}

/// A running server. Dropping it ends it; requests that are being handled end by themselves.
pub struct HttpServer {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Starts a server on a free port of the loopback interface; `react` runs on a thread of its own for each request.
    ///
    /// # Errors
    /// The interface has no free port.
    pub fn start(react: impl Fn(Asked) -> Reaction + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let ends = Arc::new(AtomicBool::new(false));
        let (react, over) = (Arc::new(react), Arc::clone(&ends));
        let handle = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let react = Arc::clone(&react);
                // Whoever breaks off breaks off: the double has nobody to tell.
                std::thread::spawn(move || serve(stream, &*react).ok());
            }
        });
        Ok(Self { address, ends, listener: Some(handle) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the listener, which waits for a connection.
        TcpStream::connect(self.address).ok();
        if let Some(listener) = self.listener.take() {
            listener.join().ok();
        }
    }
}

fn serve(stream: TcpStream, react: &dyn Fn(Asked) -> Reaction) -> io::Result<()> {
    limit(&stream)?;
    let mut reader = BufReader::new(stream);
    let (first, headers) = head(&mut reader)?;
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let body = body(&mut reader, &headers, false)?;
    let asked = Asked { method: method.to_owned(), target: target.to_owned(), headers, body };
    let mut stream = reader.into_inner();
    match react(asked) {
        Reaction::Cut => stream.shutdown(std::net::Shutdown::Both),
        Reaction::Answer(Told { status, kind, body }) => {
            let length = body.len();
            let mut bytes = format!(
                "HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            )
            .into_bytes();
            bytes.extend(body);
            stream.write_all(&bytes)?;
            stream.flush()
        }
    }
}

/// Sends a request to a server and reads the whole answer.
///
/// # Errors
/// The server is not there, breaks off, or takes longer than half a minute.
pub fn send(to: SocketAddr, asked: &Asked) -> io::Result<Told> {
    let mut stream = TcpStream::connect(to)?;
    limit(&stream)?;
    stream.write_all(&written(to, asked))?;
    let mut reader = BufReader::new(stream);
    let (first, headers) = head(&mut reader)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let body = body(&mut reader, &headers, true)?;
    let kind = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    Ok(Told { status, kind: kind.unwrap_or_default(), body })
}

/// Sends a request and goes away without waiting for the answer, as a client does whose network broke.
///
/// # Errors
/// The server is not there.
pub fn send_and_leave(to: SocketAddr, asked: &Asked, after: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect(to)?;
    limit(&stream)?;
    stream.write_all(&written(to, asked))?;
    std::thread::sleep(after);
    stream.shutdown(std::net::Shutdown::Both)
}

fn limit(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}

/// A request as bytes. What was said about its own connection is said anew.
fn written(to: SocketAddr, asked: &Asked) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n", asked.method, asked.target);
    for (name, value) in &asked.headers {
        if !matches!(name.as_str(), "host" | "connection" | "content-length" | "transfer-encoding") {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if !asked.body.is_empty() || asked.method != "GET" {
        text.push_str(&format!("content-length: {}\r\n", asked.body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&asked.body);
    bytes
}

type Headers = Vec<(String, String)>;

/// The first line and the headers.
fn head(reader: &mut BufReader<TcpStream>) -> io::Result<(String, Headers)> {
    let first = line(reader)?;
    let mut headers = Headers::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Ok((first, headers));
        }
        let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A body by its length, in chunks, or, of an answer, until the connection ends.
fn body(reader: &mut BufReader<TcpStream>, headers: &Headers, until_the_end: bool) -> io::Result<Vec<u8>> {
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if value("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(reader)?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            read_exactly(reader, size, &mut body)?;
            line(reader)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    match value("content-length") {
        Some(length) => {
            read_exactly(reader, length.parse().map_err(|_| io::ErrorKind::InvalidData)?, &mut body)?;
        }
        None if until_the_end => {
            reader.take(MOST_BYTES as u64).read_to_end(&mut body)?;
        }
        None => {}
    }
    Ok(body)
}

fn read_exactly(reader: &mut BufReader<TcpStream>, length: usize, body: &mut Vec<u8>) -> io::Result<()> {
    if length.saturating_add(body.len()) > MOST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut piece = vec![0; length];
    reader.read_exact(&mut piece)?;
    body.append(&mut piece);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, target: &str, body: &str) -> Asked {
        Asked {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![("x-word".to_owned(), "hello".to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_request_arrives_whole_and_so_does_its_answer() {
        let server = HttpServer::start(|asked| {
            let words = [asked.method.as_str(), asked.path(), asked.query(), asked.header("x-word").unwrap_or("")];
            Reaction::Answer(Told::json(201, format!("{words:?} {}", String::from_utf8_lossy(&asked.body))))
        })
        .unwrap();
        let told = send(server.address(), &asked("POST", "/a?b=c", "body")).unwrap();
        assert_eq!(told, Told::json(201, r#"["POST", "/a", "b=c", "hello"] body"#));
    }

    #[test]
    fn a_body_may_come_in_chunks() {
        let server = HttpServer::start(|asked| {
            Reaction::Answer(Told::json(200, String::from_utf8_lossy(&asked.body).into_owned()))
        })
        .unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream
            .write_all(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x\r\ncde\r\n0\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("\r\n\r\nabcde"), "{text}");
    }

    #[test]
    fn a_cut_is_an_error_for_whoever_asked() {
        let server = HttpServer::start(|_| Reaction::Cut).unwrap();
        assert!(send(server.address(), &asked("GET", "/", "")).is_err());
    }

    #[test]
    fn nobody_listens_once_it_is_dropped() {
        let server = HttpServer::start(|_| Reaction::Cut).unwrap();
        let address = server.address();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
