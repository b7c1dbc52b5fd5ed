#include "bindings/fork_gate.hpp"

#include <atomic>

namespace swiperig {

namespace {

std::atomic<int> inside = 0;
std::atomic<int> closed = 0;

void leave() {
  if (inside.fetch_sub(1) == 1) inside.notify_all();
}

}  // namespace

BehindForkGate::BehindForkGate() {
  for (;;) {
    ++inside;
    const int now = closed;
    if (now == 0) return;
    leave();
    closed.wait(now);
  }
}

BehindForkGate::~BehindForkGate() { leave(); }

void close_fork_gate() {
  ++closed;
  for (int n = inside; n != 0; n = inside) inside.wait(n);
}

void open_fork_gate() {
  if (closed.fetch_sub(1) == 1) closed.notify_all();
}

}  // namespace swiperig
