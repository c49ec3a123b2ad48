//! Looks for what is ambient: variables, arguments, folders, network. Argument: an address of the
//! host at which somebody listens.

use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    println!("arguments: {arguments:?}");
    let variables: Vec<_> = std::env::vars().collect();
    println!("variables: {variables:?}");
    let folders: Vec<String> =
        wasip2::filesystem::preopens::get_directories().into_iter().map(|(_, name)| name).collect();
    println!("folders: {folders:?}");
    let mut input = String::new();
    println!("input: {:?}", std::io::stdin().read_line(&mut input).map(|_| input.len()));

    let target = &arguments[1];
    let mut open = 0;
    let mut probe = |what: &str, worked: bool| {
        println!("{what}: {}", if worked { "OPEN" } else { "refused" });
        open += u32::from(worked);
    };
    probe("tcp connect", TcpStream::connect(target.as_str()).is_ok());
    probe("tcp connect elsewhere", TcpStream::connect("192.0.2.1:80").is_ok());
    for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"] {
        probe("tcp listen", TcpListener::bind(address).is_ok());
        probe("udp bind", UdpSocket::bind(address).is_ok());
    }
    let sent =
        UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", target.as_str()));
    probe("udp send", sent.is_ok());
    probe(
        "name lookup",
        ("localhost", 80).to_socket_addrs().is_ok_and(|mut all| all.next().is_some()),
    );
    probe("http", http(target));
    println!("{open} open");
}

fn http(authority: &str) -> bool {
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_scheme(Some(&Scheme::Http)).is_ok()
        && request.set_authority(Some(authority)).is_ok()
        && request.set_path_with_query(Some("/")).is_ok();
    assert!(set, "the request can be made");
    let Ok(answer) = outgoing_handler::handle(request, None) else { return false };
    answer.subscribe().block();
    matches!(answer.get(), Some(Ok(Ok(_))))
}
