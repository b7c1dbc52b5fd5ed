// One controller owns a bench: a lock file for each of its instruments, held by the guardian for as long as it lives,
// with the last fencing number in it. Numbers only grow, whoever owned the instrument before, so that what an earlier
// owner still says can be told from what the present one says. A file is `NUMBER PID\n`; it stays when the lock is
// given up, or the numbers would begin again.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace swiperig {

struct BenchTaken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class BenchLock {
 public:
  /// Takes the locks of all `instruments` (how the bench file calls them), at most two, in `folder`; throws BenchTaken
  /// that says who has one.
  BenchLock(const std::string& folder, std::vector<std::string> instruments);
  BenchLock(const BenchLock&) = delete;
  BenchLock& operator=(const BenchLock&) = delete;
  ~BenchLock();
  /// The next number, above every one that was ever given out for one of the instruments, and kept before it is used;
  /// 0: it could not be kept. Allocates nothing.
  std::uint64_t next() noexcept;
  /// False: somebody removed a file, and with it the lock.
  bool holds() const noexcept;

 private:
  std::array<int, 2> files_{-1, -1};
};

/// The name of an instrument's lock file: one for one device, whatever links lead to it.
std::string lock_name(const std::string& instrument);

}  // namespace swiperig
