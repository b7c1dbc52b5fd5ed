#include "rig/framed_stream.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rig/bytes.hpp"
#include "rig/mask.hpp"

namespace swiperig {

namespace {

constexpr std::size_t kMostPlaces = 16, kMostHeld = 1024;
constexpr Duration kLostPause = std::chrono::seconds(2);

/// What is no frame: of text its digits, of anything else every byte.
void hide(std::string& part, bool binary) {
  if (!binary) part = scrub(part);
  std::replace_if(
      part.begin(), part.end(), [&](char c) { return binary || (c >= '0' && c <= '9'); }, '*');
}

}  // namespace

std::string places_that_differ(std::string_view a, std::string_view b) {
  std::string text;
  std::size_t places = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    const std::size_t from = i;
    while (i + 1 < a.size() && a[i + 1] != b[i + 1]) ++i;
    if (++places > kMostPlaces) return text + ", ...";
    text += (text.empty() ? "" : ", ") + std::to_string(from) + (i == from ? "" : "-" + std::to_string(i));
  }
  return text;
}

FramedStream::FramedStream(std::shared_ptr<const TerminalLink> link, const StreamShape& shape)
    : link_(std::move(link)), shape_(shape), cutter_(link_->framing), masker_(*link_) {}

void FramedStream::mask_report(UsbTransfer& t) {
  const std::string original(text_of(t.bytes));
  if (shape_.secret) {
    std::fill(t.bytes.begin(), t.bytes.end(), std::uint8_t{'*'});
  } else {
    std::string report = (shape_.numbers_no_reports ? std::string(1, '\0') : std::string()) + original;
    masker_.mask(report);
    const std::size_t skip = report.size() - original.size();
    std::copy(report.begin() + static_cast<std::ptrdiff_t>(skip), report.end(), t.bytes.begin());
  }
  t.masked = places_that_differ(original, text_of(t.bytes));
}

std::vector<UsbTransfer> FramedStream::push(UsbTransfer t) {
  if (link_->framing.kind == EcrFraming::Kind::hid_report) {
    mask_report(t);
    std::vector<UsbTransfer> ready;
    ready.push_back(std::move(t));
    return ready;
  }
  if (!t.bytes.empty()) {
    if (!link_->framing.finds_beginnings() && t.at - heard_at_ > kLostPause) {
      if (const auto cut = cutter_.abandon()) finish(*cut);
    }
    heard_at_ = t.at;
  }
  held_bytes_ += t.bytes.size();
  std::string original(text_of(t.bytes));
  held_.push_back({std::move(t), std::move(original), 0});
  const std::string fresh = held_.back().original;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (!in_stream(i)) continue;
    wire_.push_back(fresh[i]);
    if (const auto cut = cutter_.take(static_cast<std::uint8_t>(fresh[i]))) finish(*cut);
  }
  return held_bytes_ > kMostHeldBytes || held_.size() > kMostHeld ? flush() : release();
}

std::vector<UsbTransfer> FramedStream::flush() {
  if (const auto cut = cutter_.abandon()) finish(*cut);
  return release();
}

void FramedStream::finish(const Cut& cut) {
  std::string part = wire_.substr(0, cut.size);
  wire_.erase(0, cut.size);
  if (cut.what == Cut::frame) masker_.mask_wire(part);
  if (cut.what == Cut::garbage || cut.what == Cut::broken) hide(part, link_->framing.binary);
  write_back(part);
}

void FramedStream::write_back(std::string_view masked) {
  for (Held& h : held_) {
    for (; h.done < h.transfer.bytes.size(); ++h.done) {
      if (!in_stream(h.done)) continue;
      if (masked.empty()) return;
      h.transfer.bytes[h.done] = static_cast<std::uint8_t>(masked.front());
      masked.remove_prefix(1);
    }
  }
}

std::vector<UsbTransfer> FramedStream::release() {
  std::vector<UsbTransfer> ready;
  while (!held_.empty()) {
    Held& h = held_.front();
    while (h.done < h.transfer.bytes.size() && !in_stream(h.done)) ++h.done;
    if (h.done < h.transfer.bytes.size()) break;
    held_bytes_ -= h.transfer.bytes.size();
    h.transfer.masked = places_that_differ(h.original, text_of(h.transfer.bytes));
    ready.push_back(std::move(h.transfer));
    held_.pop_front();
  }
  return ready;
}

}  // namespace swiperig
