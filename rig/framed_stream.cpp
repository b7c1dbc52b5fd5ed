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
  const std::size_t size = t.bytes.size();
  held_.push_back({std::move(t), {}, 0, false});
  const std::size_t piece = shape_.packet == 0 ? size : shape_.packet;
  for (std::size_t at = 0; at < size; at += piece) {
    const std::size_t from = std::min(size, at + (shape_.packet == 0 ? 0 : shape_.status_bytes));
    take(std::min(size, at + piece) - from, from);
  }
  return held_bytes_ > kMostHeldBytes || held_.size() > kMostHeld ? flush() : release();
}

/// So many bytes of the transfer that came last, which are the terminal's. What is masked has been taken before.
void FramedStream::take(std::size_t size, std::size_t from) {
  while (size > 0) {
    const std::size_t n = cutter_.skim(text_of(held_.back().transfer.bytes).substr(from, size));
    from += n;
    size -= n;
    if (size == 0) return;
    const auto cut = cutter_.take(held_.back().transfer.bytes[from]);
    ++from;
    --size;
    if (cut) finish(*cut);
  }
}

std::vector<UsbTransfer> FramedStream::flush() {
  if (const auto cut = cutter_.abandon()) finish(*cut);
  return release();
}

void FramedStream::finish(const Cut& cut) {
  if (cut.what == Cut::frame) {
    scratch_ = cut.data;
    masker_.mask(scratch_);
    if (scratch_ == cut.data) return pass(cut.size, nullptr);
    std::string part = begun(cut.size);
    masker_.put(cut.data, scratch_, part);
    return pass(cut.size, part.data());
  }
  if (cut.what == Cut::sign) return pass(cut.size, nullptr);
  std::string part = begun(cut.size);
  hide(part, link_->framing.binary);
  pass(cut.size, part.data());
}

/// The stream's next bytes that have not passed yet.
std::string FramedStream::begun(std::size_t size) const {
  std::string part;
  part.reserve(size);
  for (auto h = held_.begin(); part.size() < size; ++h) {
    if (shape_.packet == 0) {
      part.append(text_of(h->transfer.bytes).substr(h->done, size - part.size()));
      continue;
    }
    for (std::size_t at = h->done; at < h->transfer.bytes.size() && part.size() < size; ++at) {
      if (in_stream(at)) part.push_back(static_cast<char>(h->transfer.bytes[at]));
    }
  }
  return part;
}

/// So many bytes are as they may be kept, or become what is `masked`.
void FramedStream::pass(std::size_t size, const char* masked) {
  for (auto h = held_.begin(); size > 0; ++h) {
    Bytes& bytes = h->transfer.bytes;
    if (masked != nullptr && !h->changed && h->done < bytes.size()) {
      h->original = text_of(bytes);
      h->changed = true;
    }
    if (shape_.packet == 0) {
      const std::size_t n = std::min(size, bytes.size() - h->done);
      if (masked != nullptr) {
        std::copy_n(masked, n, bytes.begin() + static_cast<std::ptrdiff_t>(h->done));
        masked += n;
      }
      h->done += n;
      size -= n;
      continue;
    }
    for (; h->done < bytes.size() && size > 0; ++h->done) {
      if (!in_stream(h->done)) continue;
      if (masked != nullptr) bytes[h->done] = static_cast<std::uint8_t>(*masked++);
      --size;
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
    if (h.changed) h.transfer.masked = places_that_differ(h.original, text_of(h.transfer.bytes));
    ready.push_back(std::move(h.transfer));
    held_.pop_front();
  }
  return ready;
}

}  // namespace swiperig
