#include "rig/masked_stream.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "rig/mask.hpp"

namespace swiperig {

namespace {

constexpr std::size_t kLongestNumber = 96;  // of a card, with everything that may divide its groups

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether a card number may go on after the end of `text`.
bool open_ended(std::string_view text) {
  for (std::size_t i = text.size(); i > 0; --i) {
    const auto c = static_cast<unsigned char>(text[i - 1]);
    if (c < 0x20 && c != '\t') return false;
    if (is_digit(text[i - 1]) || c >= 0x80) return true;
  }
  return false;
}

}  // namespace

std::vector<UsbTransfer> MaskedStream::push(UsbTransfer transfer) {
  if (framed_) return framed_->push(std::move(transfer));
  const bool open = transfer.bytes.empty() ? !held_.empty() : open_ended(text_of(transfer.bytes));
  held_bytes_ += transfer.bytes.size();
  held_.push_back(std::move(transfer));
  if (!open) return release(true);
  return held_bytes_ > kMostHeldBytes || held_.size() > 1024 ? release(false) : std::vector<UsbTransfer>();
}

std::vector<UsbTransfer> MaskedStream::flush() { return framed_ ? framed_->flush() : release(true); }

std::vector<UsbTransfer> MaskedStream::release(bool whole) {
  std::vector<UsbTransfer> ready;
  if (whole && held_.size() == 1 && !may_hold_card_data(text_of(held_.front().bytes))) {
    ready.push_back(std::move(held_.front()));
    held_.clear();
    held_bytes_ = 0;
    return ready;
  }
  std::string text;
  text.reserve(held_bytes_);
  for (const UsbTransfer& t : held_) text += text_of(t.bytes);
  std::string masked = may_hold_card_data(text) ? scrub(text) : text;
  if (!whole) {
    const auto near = masked.end() - static_cast<std::ptrdiff_t>(std::min(masked.size(), kLongestNumber));
    std::replace_if(near, masked.end(), is_digit, '*');
  }
  ready.reserve(held_.size());
  std::size_t at = 0;
  for (UsbTransfer& t : held_) {
    const std::string_view part = std::string_view(masked).substr(at, t.bytes.size());
    if (part != text_of(t.bytes)) {
      t.masked = places_that_differ(text_of(t.bytes), part);
      std::copy(part.begin(), part.end(), t.bytes.begin());
    }
    at += part.size();
    ready.push_back(std::move(t));
  }
  held_.clear();
  held_bytes_ = 0;
  return ready;
}

}  // namespace swiperig
