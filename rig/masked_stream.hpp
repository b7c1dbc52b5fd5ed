// Card data in a stream of transfers, one direction of one device: a number may begin in one transfer and end in the
// next, so a transfer is held back while its end may be the middle of a number, that is until a control character
// follows. What is held is bounded; where that is not enough every digit near the cut is masked.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "rig/tap.hpp"

namespace swiperig {

/// Where the two differ, as "4-9, 16-21"; of equal length.
std::string places_that_differ(std::string_view a, std::string_view b);

class MaskedStream {
 public:
  static constexpr std::size_t kMostHeldBytes = 64 << 10;

  /// Takes the next transfer; those that may be kept now, masked, in order.
  std::vector<UsbTransfer> push(UsbTransfer transfer);
  /// The stream has ended.
  std::vector<UsbTransfer> flush();

 private:
  std::vector<UsbTransfer> release(bool whole);

  std::deque<UsbTransfer> held_;
  std::size_t held_bytes_ = 0;
};

}  // namespace swiperig
