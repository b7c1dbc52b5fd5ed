// Card data in a stream of transfers, one direction of one device: a number may begin in one transfer and end in the
// next, so a transfer is held back while its end may be the middle of a number, that is until a control character
// follows. What is held is bounded; where that is not enough every digit near the cut is masked. Where a profile says
// how the stream is cut into frames, those are masked instead (rig/framed_stream.hpp).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "rig/framed_stream.hpp"
#include "rig/tap.hpp"

namespace swiperig {

class MaskedStream {
 public:
  static constexpr std::size_t kMostHeldBytes = 64 << 10;

  MaskedStream() = default;
  /// `link`: how the terminal speaks; null: text, as far as anybody knows.
  explicit MaskedStream(std::shared_ptr<const TerminalLink> link, const StreamShape& shape = {}) {
    if (link) framed_.emplace(std::move(link), shape);
  }

  /// Takes the next transfer; those that may be kept now, masked, in order.
  std::vector<UsbTransfer> push(UsbTransfer transfer);
  /// The stream has ended.
  std::vector<UsbTransfer> flush();

 private:
  std::vector<UsbTransfer> release(bool whole);

  std::optional<FramedStream> framed_;
  std::deque<UsbTransfer> held_;
  std::size_t held_bytes_ = 0;
};

}  // namespace swiperig
