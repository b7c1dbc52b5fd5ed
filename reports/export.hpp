// A run as one capture file: what crossed the terminal's wires, and between it every event and every verdict of the
// trace as a packet of its source with a sentence as its comment, all on one clock. Opens in tshark and Wireshark.
#pragma once

#include <cstdint>
#include <string>

namespace swiperig {

struct Exported {
  std::uint64_t usb = 0, network = 0, events = 0, verdicts = 0;
  bool cut = false;  ///< the end of the wires' capture was lost
};

/// Reads `directory`/run.trace and `directory`/wires.pcapng, where there is one, into the file `out`, which appears
/// whole or not at all. Throws TraceError, CaptureError.
Exported export_pcapng(const std::string& directory, const std::string& out);

}  // namespace swiperig
