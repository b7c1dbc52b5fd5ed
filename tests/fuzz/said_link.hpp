// The far end of a driver's link as a fuzzer plays it: what was said, at once or a line for each write, then the end.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "rig/link.hpp"

namespace swiperig {

class SaidLink final : public Link {
 public:
  enum class Pace { at_once, a_line_for_each_write };
  SaidLink(Clock& clock, std::string said, Pace pace) : clock_(clock), said_(std::move(said)) {
    if (pace == Pace::at_once) ready_ = said_.size();
  }
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override {
    while (at_ == ready_ && ready_ < said_.size() && !closed_) co_await clock_.wait(news_, never);
    const std::size_t n = closed_ ? 0 : std::min(into.size(), ready_ - at_);
    std::copy_n(said_.begin() + static_cast<std::ptrdiff_t>(at_), n, into.begin());
    at_ += n;
    co_return n;
  }
  Task<> write(std::span<const std::uint8_t>) override {
    if (closed_) throw LinkError(LinkError::closed, "closed");
    ready_ = std::min(said_.find('\n', ready_), said_.size() - 1) + 1;
    if (said_.empty()) ready_ = 0;
    news_.ring();
    co_return;
  }
  void close(Close) override {
    closed_ = true;
    news_.ring();
  }

 private:
  Clock& clock_;
  std::string said_;
  std::size_t at_ = 0, ready_ = 0;
  bool closed_ = false;
  Bell news_;
};

}  // namespace swiperig
