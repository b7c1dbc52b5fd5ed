// How one instrument is brought to its safe state when its controller may speak to it no more: what to send, what to
// wait for, when to go on without an answer. Pure and total: bytes and the time go in, bytes come out; made ready at
// start, and from then on nothing is allocated and nothing is thrown, because the guardian uses it when all else has
// failed. Every step has an end: an instrument that says nothing still gets all its bytes, and is told as not proved.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace swiperig {

class SafeState {
 public:
  struct Step {
    std::string_view say;  ///< to be sent now; stays valid until the next step
    double again_s = 0;    ///< when to step again, unless something is heard before
    bool done = false;
    bool proved = false;  ///< the instrument itself said that it is safe
  };
  virtual ~SafeState() = default;
  /// In ordinary service: these bytes went to the instrument.
  virtual void passed(std::string_view bytes) noexcept = 0;
  /// At any time: these came from it.
  virtual void heard(std::string_view bytes) noexcept = 0;
  /// From now on it is being made safe. `cut`: a line on its way to it may have been cut off in the middle.
  virtual void begin(bool cut) noexcept = 0;
  virtual Step step(double now_s) noexcept = 0;
};

/// Lines out of bytes in fixed memory; what is longer than any line that means something is forgotten to its end.
class ShortLines {
 public:
  /// True: a line has ended and is told by text().
  bool take(char c) noexcept {
    if (over_) {
      size_ = 0;
      over_ = false;
    }
    if (c == '\n' || c == '\r') {
      over_ = true;
      if (size_ > line_.size()) size_ = 0;
      return true;
    }
    if (size_ < line_.size()) line_[size_] = c;
    if (size_ <= line_.size()) ++size_;
    return false;
  }
  std::string_view text() const noexcept { return {line_.data(), size_ > line_.size() ? 0 : size_}; }
  bool in_line() const noexcept { return !over_ && size_ > 0; }
  void forget() noexcept {
    size_ = 0;
    over_ = false;
  }

 private:
  std::array<char, 160> line_{};
  std::size_t size_ = 0;
  bool over_ = false;
};

}  // namespace swiperig
