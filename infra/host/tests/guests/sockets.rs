//! `wasi:sockets`: out of reach unless `tcp://` or `udp://` is granted, as on stock Spin.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::harness::{Answer, App, Running};

/// Answers the first four bytes of every connection, and counts the connections.
fn echo() -> std::io::Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut said = [0; 4];
            if stream.read_exact(&mut said).is_ok() && stream.write_all(&said).is_err() {
                // A client that is gone: the next one is waited for.
            }
        }
    });
    Ok((address, connections))
}

fn app(allowed: &str) -> anyhow::Result<App> {
    App::new().http("/...", "sockets", "sockets", &format!("allowed_outbound_hosts = [\"{allowed}\"]"))
}

fn tcp(app: &Running, address: SocketAddr) -> anyhow::Result<Answer> {
    app.get_with("/", &[("x-tcp", &address.to_string())])
}

fn udp(app: &Running, address: SocketAddr) -> anyhow::Result<Answer> {
    app.get_with("/", &[("x-udp", &address.to_string())])
}

#[test]
fn a_granted_address_is_reached_over_tcp() {
    let (address, connections) = echo().unwrap();
    let app = app(&format!("tcp://{address}")).unwrap().start().unwrap();
    let answer = tcp(&app, address).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "ping"));
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[test]
fn a_grant_of_another_scheme_port_or_host_opens_no_socket() {
    let (address, connections) = echo().unwrap();
    let port = address.port();
    for allowed in [
        format!("redis://{address}"),
        format!("http://{address}"),
        format!("udp://{address}"),
        "tcp://127.0.0.1:1".to_owned(),
        format!("tcp://127.0.0.2:{port}"),
    ] {
        let app = app(&allowed).unwrap().start().unwrap();
        let answer = tcp(&app, address).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (502, "PermissionDenied"), "{allowed}");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

#[test]
fn a_blocked_network_is_out_of_reach_of_sockets_too() {
    let (address, connections) = echo().unwrap();
    let app = app("*://*:*")
        .unwrap()
        .runtime_config("[outbound_networking]\nblock_networks = [\"127.0.0.0/8\"]")
        .start()
        .unwrap();
    assert_eq!(tcp(&app, address).unwrap().body, "PermissionDenied");
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

#[test]
fn a_datagram_leaves_only_where_udp_is_granted() {
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let address = receiver.local_addr().unwrap();
    let denied = app(&format!("tcp://{address}")).unwrap().start().unwrap();
    assert_eq!(udp(&denied, address).unwrap().body, "PermissionDenied");
    // A socket is bound before it sends, and its own address is asked for as well.
    let granted = app("udp://*:*").unwrap().start().unwrap();
    assert_eq!(udp(&granted, address).unwrap().body, "sent");
    let mut said = [0; 8];
    let (length, _) = receiver.recv_from(&mut said).unwrap();
    assert_eq!(said.get(..length), Some(b"ping".as_slice()));
}
