// What a capture keeps of some transfers: each in brackets, as text or in hex, with the places that were masked; behind
// the slash what was kept when the stream had ended.
#pragma once

#include <string>
#include <vector>

#include "rig/bytes.hpp"
#include "rig/masked_stream.hpp"

namespace swiperig {

inline std::string kept(MaskedStream& stream, const std::vector<std::string>& transfers, bool in_hex = false) {
  std::string out;
  const auto show = [&](const std::vector<UsbTransfer>& ready) {
    for (const UsbTransfer& t : ready) {
      out += "[" + (in_hex ? to_hex(t.bytes) : std::string(text_of(t.bytes))) +
             (t.masked.empty() ? "" : "|" + t.masked) + "]";
    }
  };
  for (const std::string& text : transfers) {
    UsbTransfer t;
    t.bytes.assign(text.begin(), text.end());
    show(stream.push(std::move(t)));
  }
  out += "/";
  show(stream.flush());
  return out;
}

}  // namespace swiperig
