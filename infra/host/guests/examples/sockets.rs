//! Opens a socket to the address in the header `x-tcp`, or sends a datagram to the one in `x-udp`; answers with what
//! came back, or 502 and the kind of the error.
#![cfg(target_family = "wasm")]

use std::{
    io::{Error, Read as _, Write as _},
    net::{TcpStream, UdpSocket},
};

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service,
};

#[http_service]
async fn sockets(request: Request) -> impl IntoResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let outcome = match (header("x-tcp"), header("x-udp")) {
        ("", address) => say(address),
        (address, _) => talk(address),
    };
    match outcome {
        Ok(text) => guests::text(StatusCode::OK, text),
        Err(error) => guests::text(StatusCode::BAD_GATEWAY, format!("{:?}", error.kind())),
    }
}

fn talk(address: &str) -> Result<String, Error> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"ping")?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn say(address: &str) -> Result<String, Error> {
    UdpSocket::bind("0.0.0.0:0")?.send_to(b"ping", address)?;
    Ok("sent".to_owned())
}
