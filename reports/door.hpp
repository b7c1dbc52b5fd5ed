// A bound socket that strangers may reach: bounded messages and waiting, with keys where it has them, and then a bound
// number of connections, those that have shown no key yet among them. While there are more it is closed to new ones;
// who is inside stays. Sockets without keys are in a folder that only their owner may enter, and need no such bound.
#pragma once

#include <cstdint>
#include <string>
#include <zmq.hpp>

#include "reports/access.hpp"

namespace swiperig {

constexpr std::size_t most_connections = 256;

class Door {
 public:
  /// Binds `socket`; what is not set yet is bounded here. Throws zmq::error_t.
  Door(zmq::context_t&, zmq::socket_t& socket, std::string url, std::int64_t longest_message, const KeyPair* own);
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door();

  /// To be polled beside the socket, by the thread that has the socket; with keys only.
  zmq::pollitem_t bell() { return {seen_.handle(), 0, ZMQ_POLLIN, 0}; }
  bool guarded() const { return guarded_; }
  /// Counts who came and went, and closes or opens.
  void look();
  /// Ends every connection; who is still let in comes back by himself. Throws zmq::error_t.
  void turn_out();

 private:
  void bind();

  zmq::socket_t& socket_;
  zmq::socket_t seen_;
  std::string url_, bound_at_;
  bool guarded_, open_ = true;
  int listener_ = -1;
  std::size_t inside_ = 0;
};

}  // namespace swiperig
