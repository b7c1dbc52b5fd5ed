#include "reports/door.hpp"

#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace swiperig {

namespace {

/// The kernel drops what comes to a listening socket, or no longer. To unbind it would end every connection it ever
/// took.
void drop_all(int listener, bool drop) {
  sock_filter none{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &none};
  const int nothing = 0;
  if (drop) ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  if (!drop) ::setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &nothing, sizeof nothing);
}

}  // namespace

Door::Door(zmq::context_t& context, zmq::socket_t& socket, std::string url, std::int64_t longest_message,
           const KeyPair* own)
    : socket_(socket), url_(std::move(url)), guarded_(own != nullptr) {
  socket.set(zmq::sockopt::maxmsgsize, longest_message);
  socket.set(zmq::sockopt::handshake_ivl, 2000);
  socket.set(zmq::sockopt::ipv6, 1);
  if (guarded_) {
    socket.set(zmq::sockopt::curve_server, 1);
    socket.set(zmq::sockopt::curve_secretkey, own->secret);
    socket.set(zmq::sockopt::zap_domain, "swiperig");
    socket.set(zmq::sockopt::heartbeat_ivl, 10'000);
    socket.set(zmq::sockopt::heartbeat_timeout, 30'000);
    seen_ = zmq::socket_t(context, zmq::socket_type::pair);
    seen_.set(zmq::sockopt::linger, 0);
    seen_.set(zmq::sockopt::rcvhwm, 0);
    const std::string name = "inproc://seen " + url_;
    if (zmq_socket_monitor(socket.handle(), name.c_str(),
                           ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) != 0) {
      throw zmq::error_t();
    }
    seen_.connect(name);
  }
  bind();
}

void Door::bind() {
  socket_.bind(url_);
  bound_at_ = socket_.get(zmq::sockopt::last_endpoint);
}

void Door::turn_out() {
  socket_.unbind(bound_at_);
  look();
  listener_ = -1;
  inside_ = 0;
  open_ = true;
  // the old listener goes in a thread of its own
  for (int tries_left = 200;; --tries_left) {
    try {
      return bind();
    } catch (const zmq::error_t& e) {
      if (e.num() != EADDRINUSE || tries_left == 0) throw;
    }
    ::poll(nullptr, 0, 10);
  }
}

Door::~Door() {
  if (guarded_) zmq_socket_monitor(socket_.handle(), nullptr, 0);
}

void Door::look() {
  if (!guarded_) return;
  zmq::message_t frame;
  while (seen_.recv(frame, zmq::recv_flags::dontwait)) {
    if (!frame.more() || frame.size() < 6) continue;
    std::uint16_t what = 0;
    std::int32_t fd = 0;
    std::memcpy(&what, frame.data(), sizeof what);
    std::memcpy(&fd, frame.data<char>() + sizeof what, sizeof fd);
    if (what == ZMQ_EVENT_LISTENING) listener_ = fd;
    if (what == ZMQ_EVENT_ACCEPTED) ++inside_;
    if (what == ZMQ_EVENT_DISCONNECTED && inside_ > 0) --inside_;
  }
  const bool room = inside_ < most_connections;
  if (listener_ < 0 || room == open_) return;
  open_ = room;
  drop_all(listener_, !open_);
}

}  // namespace swiperig
