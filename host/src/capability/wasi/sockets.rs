//! `wasi:sockets`, which reaches nothing.
//!
//! The runtimes of some languages import it unasked, CPython's among them, so it is always linked. Every call that could make
//! a socket or look up a name answers `access-denied`, and no socket of the operating system is ever made: wasmtime's
//! implementation decides by the instance's context, which allows neither TCP nor UDP, before it makes one. Looking up names
//! is implemented here, because wasmtime's answers that as if the name could not be resolved. All that a plugin can get is the
//! handle of a network that leads nowhere. The way to other servers is `http-client` and `wasi:http/outgoing-handler`.

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{self, ResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, IpAddress, LinkOptions, Network,
};
use wasmtime_wasi::p2::bindings::sockets::{
    instance_network, tcp, tcp_create_socket, udp, udp_create_socket,
};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView, WasiSocketsView as _};

use crate::capability::{Guest, Interface, table};

/// The interfaces of `wasi:sockets`.
#[rustfmt::skip]
pub(super) fn interfaces() -> [Interface<()>; 7] {
    [
        Interface::known(table::WASI_SOCKETS_NETWORK, |l, _| link_network(l)),
        Interface::known(table::WASI_SOCKETS_INSTANCE_NETWORK, |l, _| instance_network::add_to_linker::<_, WasiSockets>(l, sockets)),
        Interface::known(table::WASI_SOCKETS_TCP, |l, _| tcp::add_to_linker::<_, WasiSockets>(l, sockets)),
        Interface::known(table::WASI_SOCKETS_TCP_CREATE_SOCKET, |l, _| tcp_create_socket::add_to_linker::<_, WasiSockets>(l, sockets)),
        Interface::known(table::WASI_SOCKETS_UDP, |l, _| udp::add_to_linker::<_, WasiSockets>(l, sockets)),
        Interface::known(table::WASI_SOCKETS_UDP_CREATE_SOCKET, |l, _| udp_create_socket::add_to_linker::<_, WasiSockets>(l, sockets)),
        Interface::known(table::WASI_SOCKETS_IP_NAME_LOOKUP, |l, _| ip_name_lookup::add_to_linker::<_, NoNames>(l, |g| Names(sockets(g)))),
    ]
}

fn sockets(guest: &mut Guest) -> WasiSocketsCtxView<'_> {
    guest.sockets()
}

fn link_network(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut options = LinkOptions::default();
    // A part of the interface that not every toolchain takes for stable; those that do import it.
    options.network_error_code(true);
    network::add_to_linker::<_, WasiSockets>(linker, &options, sockets)
}

/// Looks up no names; everything else about it is wasmtime's.
struct NoNames;

struct Names<'a>(WasiSocketsCtxView<'a>);

impl HasData for NoNames {
    type Data<'a> = Names<'a>;
}

impl ip_name_lookup::Host for Names<'_> {
    fn resolve_addresses(
        &mut self,
        _: Resource<Network>,
        _: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        Err(ErrorCode::AccessDenied.into())
    }
}

/// There is no such stream, so none of these is ever called by a guest.
impl ip_name_lookup::HostResolveAddressStream for Names<'_> {
    fn resolve_next_address(
        &mut self,
        _: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        Err(ErrorCode::AccessDenied.into())
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.0.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        ip_name_lookup::HostResolveAddressStream::drop(&mut self.0, stream)
    }
}

impl network::Host for Names<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.0.convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.0.network_error_code(error)
    }
}

impl network::HostNetwork for Names<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.0, network)
    }
}
