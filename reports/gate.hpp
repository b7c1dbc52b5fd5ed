// The gate before sockets that are reached with keys (CURVE): libzmq asks it about every key that somebody proves to
// have, and lets in whom it has listed. Without one libzmq lets every key in, so it stands before anything is bound.
#pragma once

#include <functional>
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

  /// From now on; who is inside already stays, and is no longer known by `find`. Whether somebody was taken from it.
  bool allow(AllowList);
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

/// Looks now and then whether the list is another one.
class ListWatch {
 public:
  static constexpr int every_ms = 1000;
  explicit ListWatch(const std::optional<Access>& access) : changed_(access ? access->changed : nullptr) {}
  /// Whether somebody is to be turned out.
  bool look(Gate&);
  /// How long to sleep at most; -1: as long as one likes.
  int sleep_ms() const { return changed_ ? every_ms : -1; }

 private:
  std::function<std::optional<AllowList>()> changed_;
  double next_s_ = 0;
};

/// Knocks at a bound address with a key that nobody can have listed. Throws std::runtime_error unless it is turned away
/// for that.
void prove_closed(const std::string& url, const std::string& server_key, zmq::socket_type as);

}  // namespace swiperig
