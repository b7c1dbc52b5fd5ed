// A sink of a guarded bench whose disk may take its time. What is durable before a cycle's first motion and after its
// last is written by the loop that beats for the guardian: a disk that needs longer than the dead-man must not look
// like a controller that hangs.
#pragma once

#include "drivers/link_guarded.hpp"
#include "rig/cycle.hpp"

namespace swiperig {

class RestingSink final : public Sink {
 public:
  RestingSink(const Guard& guard, Sink& inner) : guard_(guard), inner_(inner) {}
  void begin(std::int64_t cycle, const Case& c, Time at) override {
    const auto beats = guard_.beat_meanwhile();
    inner_.begin(cycle, c, at);
  }
  void event(const Event& e) override { inner_.event(e); }
  void verdict(std::int64_t cycle, Time ended, const Verdict& v, std::span<const Event> told) override {
    const auto beats = guard_.beat_meanwhile();
    inner_.verdict(cycle, ended, v, told);
  }

 private:
  const Guard& guard_;
  Sink& inner_;
};

}  // namespace swiperig
