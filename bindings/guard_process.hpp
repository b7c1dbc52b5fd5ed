// A guardian of this controller's own: `swiperig guard` as a child process, with the socket pairs between them.
#pragma once

#include <sys/types.h>

#include <string>

#include "drivers/link_guarded.hpp"

namespace swiperig {

struct BenchFile;

class GuardProcess {
 public:
  /// Starts it, for the robot alone where the bench names no supply (while its robot is taught, and hands are near it:
  /// then it is not parked); what it cannot open it
  /// tells to whoever takes the first turn.
  explicit GuardProcess(const BenchFile& bench, const std::string& program = "/proc/self/exe");
  GuardProcess(const GuardProcess&) = delete;
  GuardProcess& operator=(const GuardProcess&) = delete;
  /// Ends it, once the bench is safe.
  ~GuardProcess();
  GuardEnds ends() const { return ends_; }
  pid_t pid() const { return pid_; }
  bool ended() const;

 private:
  GuardEnds ends_;
  pid_t pid_ = -1;
};

/// What `swiperig guard` is: the guardian itself, started by a controller. Ends the process, 0 when everything is safe,
/// 3 when an instrument did not confirm it; returns 3 when it could not begin.
int guard_bench(const std::string& bench, const std::string& terminal, bool robot_alone);

/// Keeps paging and other programs' work from delaying this process; what was refused, with what to do, or "".
std::string take_realtime();
void leave_realtime();

}  // namespace swiperig
