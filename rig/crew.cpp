#include "rig/crew.hpp"

#include <cassert>

namespace swiperig {

Crew::~Crew() { assert(running_ == 0 && "a crew is joined before it is dismissed"); }

void Crew::start(Task<> work) {
  ++running_;
  clock_.start(std::move(work), [this](std::exception_ptr e) {
    if (e && !failure_) failure_ = e;
    if (--running_ == 0) ended_.ring();
  });
}

Task<> Crew::join() {
  while (running_ > 0) co_await clock_.wait(ended_, never);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace swiperig
