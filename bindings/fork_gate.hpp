// Forking beside threads that work leaves the child with locks that nobody will open: of SQLite, of OpenSSL. So whoever
// forks closes this gate first, which waits until those inside have come out, and opens it again on both sides. Work
// goes through the gate a piece at a time, each of them short. No lock of its own: an atomic is whole on both sides.
#pragma once

namespace swiperig {

/// A piece of work that no fork may fall into. Waits while the gate is closed.
class BehindForkGate {
 public:
  BehindForkGate();
  ~BehindForkGate();
  BehindForkGate(const BehindForkGate&) = delete;
  BehindForkGate& operator=(const BehindForkGate&) = delete;
};

/// Returns once nobody is behind the gate; until it is opened as often as it was closed, nobody gets in.
void close_fork_gate();
void open_fork_gate();

}  // namespace swiperig
