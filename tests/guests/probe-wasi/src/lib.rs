//! A plugin that uses WASI as the runtimes of current toolchains do: it reads clocks, draws random numbers and prints, and
//! does so while it registers as well.
//!
//! Tests change two parts of the component without building it again: the version of WASI in its imports, and what
//! `register` does, by the letter behind `GOATHERD-WASI:`
//! - `n` reads both clocks, draws a random number, and prints these on standard output, a line each, and then `no end` on
//!   standard error, which is no line;
//! - `g` does the same and then calls `config`, which needs a grant;
//! - `f` does the same and then fails as the function `fail` does.
//!
//! Functions: `time` answers `{"wall", "monotonic"}` in milliseconds, `random` a random number, `wait` waits for a timer,
//! `sockets` says what each way to a socket answers, `complain` prints on standard error and goes on, `abort` traps without a
//! word, and `fail` prints why it fails, in fragments, and traps.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "guest:probe-wasi/probe-wasi",
    generate_all,
});

use exports::goatherd::plugin::guest::{Guest, Registration};
use goatherd::plugin::config;
use goatherd::plugin::types::Error;
use wasi::cli::stderr::get_stderr;
use wasi::cli::stdout::get_stdout;
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::io::streams::OutputStream;
use wasi::random::random::{get_random_bytes, get_random_u64};
use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::network::{ErrorCode, IpAddressFamily};
use wasi::sockets::tcp_create_socket::create_tcp_socket;
use wasi::sockets::udp_create_socket::create_udp_socket;

static REGISTER: [u8; 16] = *b"GOATHERD-WASI:n\n";

/// The letter as it is in the component, whatever the compiler saw.
fn register_does() -> u8 {
    // SAFETY: the pointer comes from a reference, and the index is below the array's length.
    unsafe { std::ptr::read_volatile(&REGISTER[14]) }
}

struct ProbeWasi;

impl Guest for ProbeWasi {
    fn register() -> Registration {
        let out = get_stdout();
        let bytes = get_random_bytes(4);
        print(&out, &format!("wall {}\n", wall()));
        print(&out, &format!("monotonic {}\n", monotonic()));
        print(&out, &format!("random {bytes:?}\n"));
        print(&get_stderr(), "no end");
        match register_does() {
            b'g' => drop(config::get("plugin.colour")),
            b'f' => fail(),
            _ => {}
        }
        Registration {
            name: "probe-wasi".into(),
            version: "0.1.0".into(),
            description: Some("Uses WASI".into()),
            author: None,
            license: None,
            homepage: None,
            min_host_version: None,
            resources: None,
            contributions: Vec::new(),
        }
    }

    fn init() -> Result<(), Error> {
        print(&get_stdout(), "initialised");
        Ok(())
    }

    fn call(function: String, _args: String) -> Result<String, Error> {
        Ok(match function.as_str() {
            "time" => format!(r#"{{"wall": {}, "monotonic": {}}}"#, wall(), monotonic()),
            "random" => format!("\"{:016x}\"", get_random_u64()),
            "wait" => {
                monotonic_clock::subscribe_duration(1_000).block();
                "null".into()
            }
            "sockets" => sockets(),
            "complain" => {
                print(&get_stderr(), "it could be better\n");
                "null".into()
            }
            "abort" => std::process::abort(),
            "fail" => fail(),
            _ => return Err(Error::NotFound(function)),
        })
    }

    fn shutdown() -> Result<(), Error> {
        Ok(())
    }
}

fn print(stream: &OutputStream, text: &str) {
    // A stream that takes nothing shows in what is missing.
    let _ = stream.blocking_write_and_flush(text.as_bytes());
}

fn wall() -> u64 {
    let now = wall_clock::now();
    now.seconds * 1_000 + u64::from(now.nanoseconds) / 1_000_000
}

fn monotonic() -> u64 {
    monotonic_clock::now() / 1_000_000
}

/// How each way to a socket or an address ends.
fn sockets() -> String {
    let network = instance_network();
    let ends = [
        ("tcp4", create_tcp_socket(IpAddressFamily::Ipv4).err()),
        ("tcp6", create_tcp_socket(IpAddressFamily::Ipv6).err()),
        ("udp4", create_udp_socket(IpAddressFamily::Ipv4).err()),
        ("udp6", create_udp_socket(IpAddressFamily::Ipv6).err()),
        ("name", resolve_addresses(&network, "localhost").err()),
        ("address", resolve_addresses(&network, "127.0.0.1").err()),
        ("nonsense", resolve_addresses(&network, "not a name").err()),
    ];
    let ends = ends.map(|(way, end)| format!("\"{way}\": \"{}\"", code(end)));
    format!("{{{}}}", ends.join(", "))
}

fn code(end: Option<ErrorCode>) -> &'static str {
    end.map_or("a socket", |code| code.name())
}

/// Fails as a language's runtime does: the reason in fragments on standard error, and then a trap.
fn fail() -> ! {
    let err = get_stderr();
    for fragment in ["panic: ", "the cause", "\n\tat main.go:", "42", " +0x1f"] {
        print(&err, fragment);
    }
    std::process::abort()
}

export!(ProbeWasi);
