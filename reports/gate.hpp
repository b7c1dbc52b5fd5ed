// The gate before sockets that are reached with keys (CURVE): libzmq asks it about every key that somebody proves to
// have, and lets in whom it has listed. Without one libzmq lets every key in, so it stands before anything is bound.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "reports/access.hpp"

namespace swiperig {

class Gate {
 public:
  /// For all sockets of this context. Throws zmq::error_t.
  Gate(zmq::context_t&, AllowList);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// From now on; who is inside already stays, and is no longer known by `find`.
  void allow(AllowList);
  /// Who has this public key; nothing: not listed.
  std::optional<ListedPeer> find(const std::string& key) const;

 private:
  void work();
  void answer();

  zmq::socket_t asked_, bell_, rope_;
  mutable std::mutex mutex_;
  AllowList allowed_;
  std::thread thread_;
};

/// Knocks at a bound address with a key that nobody can have listed. Throws std::runtime_error unless it is turned away
/// for that.
void prove_closed(const std::string& url, const std::string& server_key, zmq::socket_type as);

}  // namespace swiperig
