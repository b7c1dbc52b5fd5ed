#include "rig/trace.hpp"

namespace swiperig {

void extend(Digest& head, const Event& event, std::string& scratch) {
  scratch.clear();
  append_canonical(event, scratch);
  chain(head, scratch);
}

void fold(Digest& run_head, const Digest& epoch_head) { chain(run_head, hex(epoch_head)); }

std::string hex(const Digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace swiperig
