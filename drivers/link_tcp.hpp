// TCP connections as links: the network and the test host of a real bench, LAN instruments, and fixtures that stand in
// another process. How a connection ended is evidence, so FIN, RST and "this end was closed" stay apart: `fin` sends
// what is being written and then a FIN, `reset` (or destroying an open link) sends an RST at once, and a link that is
// closed in order is drained before its socket goes, because a socket closed over unread bytes answers with an RST.
// Nagle is off. No operation keeps a pointer into a caller's frame while it waits, so a link or a listener may be
// destroyed under a suspended coroutine, whose read then ends with 0, its write with LinkError{closed}. Needs a clock
// that waits for sockets (SteadyClock); a virtual clock cannot know of them.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "rig/clock.hpp"
#include "rig/link.hpp"

namespace swiperig {

/// Takes over a connected socket.
std::unique_ptr<Link> tcp_link(Clock& clock, boost::asio::ip::tcp::socket socket);

/// Dials `host` (name or address) at `port`; resolving and connecting together end after 20 s of `clock`.
/// dial() throws LinkError{refused} when nobody listens or answers there, LinkError{failed} when it failed on this
/// side (no descriptor left, a name that does not resolve).
std::unique_ptr<Dialer> tcp_dialer(Clock& clock, const std::string& host, std::uint16_t port);

/// Listens at once, or throws LinkError{failed} that names the address. `host` "" listens at every IPv4 address; port 0
/// takes a free one, told in `bound_port` and kept by `reopen`.
std::unique_ptr<Listener> tcp_listener(Clock& clock, const std::string& host, std::uint16_t port,
                                       std::uint16_t* bound_port = nullptr);

}  // namespace swiperig
