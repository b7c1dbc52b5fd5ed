#include "rig/trace.hpp"

namespace swiperig {

void Lines::add(const Event& event, Digest& head) {
  Line& line = lines_.emplace_back();
  line.at = event.at;
  line.at_uncertainty = event.at_uncertainty;
  line.source = event.source;
  line.kind = kind_of(event.body);
  line.begin = text_.size();
  line.body = append_canonical(event, text_);
  line.end = text_.size();
  chain(head, std::string_view(text_).substr(line.begin));
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
