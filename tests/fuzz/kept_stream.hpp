// What a capture keeps of any bytes, as transfers of any lengths: as many as came, and never held for ever.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "rig/tap.hpp"

namespace swiperig {

inline void must(bool true_now) {
  if (!true_now) std::abort();
}

template <class Stream>
void keeps_every_byte(Stream stream, BytesView bytes, std::size_t most_held) {
  std::size_t in = 0, out = 0;
  const auto count = [&](const std::vector<UsbTransfer>& ready) {
    for (const UsbTransfer& t : ready) out += t.bytes.size();
  };
  while (!bytes.empty()) {
    const std::size_t n = std::min<std::size_t>(bytes.size(), 1 + bytes[0] % 64);
    UsbTransfer t;
    t.bytes.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    in += n;
    count(stream.push(std::move(t)));
    must(in - out <= most_held);
  }
  count(stream.flush());
  must(in == out);
}

}  // namespace swiperig
