// A run as it happens, for other programs: every message of its trace on a ZeroMQ PUB socket, [topic, JSON], and on a
// second socket whatever a follower missed, answered from the trace file. The publisher reads the same file that it
// answers from, in a thread of its own, so that nothing is told before it is committed, nothing is kept in memory, and
// the run waits for nobody: a follower that does not keep up loses messages, sees it by their numbers, and asks for
// them. Messages and answers: reports/schemas.
//
// A request is one frame, {"from": 0, "at_most": 1000} or with the "run" that is meant; the answer a header and then
// topic and JSON of each message in turn, or {"error": ...} alone. An answer may hold fewer than were asked for: ask on
// from there.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "reports/access.hpp"

namespace swiperig {

struct PublishError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// ZeroMQ addresses.
struct Endpoints {
  std::string live, backfill;
};

class Publisher {
 public:
  /// Binds both: for whom `access` lists, proved with a key that it does not list; without, who may reach them is the
  /// caller's care. Throws PublishError.
  explicit Publisher(const Endpoints&, const std::optional<Access>& access = std::nullopt);
  /// Stops without sending what is left.
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Begins to publish a trace that has been made. TraceError: it cannot be read.
  void begin(const std::string& trace);
  /// More has been committed. Never waits; from one thread at a time.
  void grown();
  /// Sends what is left and stops. Returns what went wrong, which ended publishing and not the run; "": nothing did.
  std::string end();

 private:
  class Station;
  std::unique_ptr<Station> station_;
};

}  // namespace swiperig
