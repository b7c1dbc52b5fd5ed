// The other end of a publisher: every message of a run once and in order, however late the follower came and however
// long it was away. What ZeroMQ dropped is seen by the numbers and asked for at the back-fill socket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "reports/publisher.hpp"

namespace swiperig {

/// Messages that cannot be had any more: the publisher is gone, or what answers is none.
struct FollowError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Followed {
  std::int64_t seq = 0;
  std::string topic, json;
};

class Follower {
 public:
  /// From that message on, or from now. Waits for a run to be there, at most so long. Throws FollowError.
  Follower(const Endpoints&, std::optional<std::int64_t> from, const std::optional<ClientKeys>& keys = std::nullopt,
           int wait_ms = 10'000);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// The next message; nothing when none came for so long, or when the run has ended. Throws FollowError.
  std::optional<Followed> next(int limit_ms);
  /// The run has ended in order and its last message was told.
  bool ended() const;
  const std::string& run_id() const;
  /// The run's first message, whatever the follower began with.
  const std::string& first() const;

 private:
  class Ear;
  std::unique_ptr<Ear> ear_;
};

}  // namespace swiperig
