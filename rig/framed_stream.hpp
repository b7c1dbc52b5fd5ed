// The transfers of a device whose profile says how they are cut into frames: each frame is masked by the profile's
// rules (rig/ecr_words.hpp), what is no whole frame loses its digits, or every byte where it is no text. A transfer is
// held back until all frames that touch it have ended; what is held is bounded.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rig/ecr_framing.hpp"
#include "rig/ecr_words.hpp"
#include "rig/tap.hpp"

namespace swiperig {

/// Where the two differ, as "4-9, 16-21"; of equal length.
std::string places_that_differ(std::string_view a, std::string_view b);

/// What of a transfer is not the terminal's stream.
struct StreamShape {
  std::size_t packet = 0, status_bytes = 0;  ///< each packet begins with so many bytes of the chip's own
  bool numbers_no_reports = false;           ///< of a human-interface device: its reports have no ID
  bool secret = false;                       ///< nothing of it may be kept: a keyboard
};

class FramedStream {
 public:
  static constexpr std::size_t kMostHeldBytes = 64 << 10;

  FramedStream(std::shared_ptr<const TerminalLink> link, const StreamShape& shape);
  /// Takes the next transfer; those that may be kept now, masked, in order.
  std::vector<UsbTransfer> push(UsbTransfer transfer);
  std::vector<UsbTransfer> flush();

 private:
  struct Held {
    UsbTransfer transfer;
    std::string original;  ///< of one that was changed
    std::size_t done = 0;  ///< bytes that have been masked
    bool changed = false;
  };
  void mask_report(UsbTransfer& transfer);
  void finish(const Cut& cut);
  void take(std::size_t size, std::size_t from);
  std::string begun(std::size_t size) const;
  void pass(std::size_t size, const char* masked);
  std::vector<UsbTransfer> release();
  bool in_stream(std::size_t at) const { return shape_.packet == 0 || at % shape_.packet >= shape_.status_bytes; }

  std::shared_ptr<const TerminalLink> link_;
  StreamShape shape_;
  EcrCutter cutter_;
  FrameMasker masker_;
  std::deque<Held> held_;
  std::size_t held_bytes_ = 0;
  std::string scratch_;
  Time heard_at_{};
};

}  // namespace swiperig
