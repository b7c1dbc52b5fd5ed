#include "bindings/fork_gate.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace swiperig {
namespace {

TEST(ForkGate, ClosingWaitsForWhoeverIsInside) {
  std::atomic<bool> closed = false;
  std::optional<BehindForkGate> work(std::in_place);
  std::thread closer([&] {
    close_fork_gate();
    closed = true;
    closed.notify_all();
  });
  EXPECT_FALSE(closed) << "somebody is inside";
  work.reset();
  closed.wait(false);
  closer.join();
  open_fork_gate();
}

TEST(ForkGate, NobodyGetsInUntilItIsOpenedAsOftenAsItWasClosed) {
  close_fork_gate();
  close_fork_gate();
  std::atomic<int> entered = 0;
  std::thread worker([&] {
    const BehindForkGate work;
    ++entered;
    entered.notify_all();
  });
  open_fork_gate();
  EXPECT_EQ(entered, 0);
  open_fork_gate();
  entered.wait(0);
  worker.join();
  EXPECT_EQ(entered, 1);
}

/// What the gate is for: a lock that another thread holds at the fork is never opened in the child.
TEST(ForkGate, AChildFindsNoLockThatSomebodyHeld) {
  std::mutex mutex;
  std::atomic<bool> stop = false;
  const auto work = [&] {
    while (!stop) {
      const BehindForkGate here;
      const std::lock_guard lock(mutex);
    }
  };
  std::thread one(work), two(work);
  for (int i = 0; i < 50; ++i) {
    close_fork_gate();
    const pid_t child = fork();
    if (child == 0) {
      open_fork_gate();
      const BehindForkGate here;
      _exit(mutex.try_lock() ? 0 : 1);
    }
    open_fork_gate();
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "fork " << i;
  }
  stop = true;
  one.join();
  two.join();
}

}  // namespace
}  // namespace swiperig
