#include "drivers/terminal_ecr.hpp"

#include <array>
#include <charconv>

#include "rig/mask.hpp"
#include "rig/text_rule.hpp"

namespace swiperig {

namespace {

constexpr std::uint8_t kStx = 0x02, kEtx = 0x03, kAck = 0x06, kNak = 0x15;
constexpr Duration kBookLimit = std::chrono::seconds(5);
constexpr Duration kBurstPause = std::chrono::milliseconds(200);
/// A terminal repeats a result within a second; the same words much later are another event.
constexpr Duration kRepeatWindow = std::chrono::milliseconds(2500);
constexpr std::size_t kMaxRows = 10000;

std::uint8_t lrc_of(std::string_view data) {
  std::uint8_t lrc = kEtx;
  for (const char c : data) lrc = static_cast<std::uint8_t>(lrc ^ static_cast<std::uint8_t>(c));
  return lrc;
}

/// Bytes of the UTF-8 character that `text` begins with; 0 if it begins with none, or with a control character.
std::size_t printable_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<std::uint8_t>(text[i])); };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  unsigned value = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    value = value << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<unsigned, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  const bool control = value < 0xA0;
  return value < least[size] || value > 0x10FFFF || surrogate || control ? 0 : size;
}

std::string shown(std::string_view raw) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string text;
  while (!raw.empty()) {
    std::size_t n = printable_bytes(raw);
    if (n > 0) {
      text += raw.substr(0, n);
    } else {
      const auto byte = static_cast<std::uint8_t>(raw[0]);
      text += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
      n = 1;
    }
    raw.remove_prefix(n);
  }
  return text;
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Task<> TerminalEcr::serve() {
  std::array<std::uint8_t, 512> chunk;
  try {
    while (!closed_) {
      const std::size_t n = co_await link_->read_some(chunk);
      if (n == 0) break;
      for (std::size_t i = 0; i < n; ++i) take(chunk[i]);
      co_await flush();
    }
  } catch (const LinkError& e) {
    lost_why_ = std::string(": ") + e.what();
  }
  lost_ = true;
  has_seen_.ring();
  book_news_.ring();
  co_await sends_.join();
}

void TerminalEcr::take(std::uint8_t byte) {
  const auto discard = [this](std::size_t bytes) {
    garbage_ += bytes;
    garbage_at_ = clock_.now();
    has_seen_.ring();
  };
  switch (place_) {
    case Place::outside:
      if (byte == kStx) {
        place_ = Place::inside;
        data_.clear();
      } else if (byte != kAck && byte != kNak) {
        discard(1);
      }
      break;
    case Place::inside:
      if (byte == kEtx) {
        place_ = Place::lrc;
      } else if (byte == kStx) {
        discard(1 + data_.size());  // the frame before was cut off
        data_.clear();
      } else if (data_.size() == kMaxDataBytes) {
        discard(2 + data_.size());
        place_ = Place::outside;
      } else {
        data_.push_back(static_cast<char>(byte));
      }
      break;
    case Place::lrc:
      place_ = Place::outside;
      report_garbage();
      if (byte == lrc_of(data_)) {
        take_frame();
      } else {
        outgoing_.push_back(kNak);
        report("ecr", "wrong LRC: " + std::to_string(data_.size() + 3) + " bytes");
      }
      break;
  }
}

void TerminalEcr::take_frame() {
  if (data_.starts_with("R|")) {
    outgoing_.push_back(kAck);
    const bool repeated = data_ == last_result_ && clock_.now() - last_result_at_ <= kRepeatWindow;
    last_result_ = data_;
    last_result_at_ = clock_.now();
    if (!repeated) report("ecr", data_);
  } else if (data_.starts_with("S|")) {
    report("screen", std::string_view(data_).substr(2));
  } else if (data_.starts_with("P|")) {
    report("receipt", std::string_view(data_).substr(2));
  } else if (!asked_ || !take_book_row(data_)) {
    report("ecr", data_);
  }
}

void TerminalEcr::report(std::string place, std::string_view text) {
  const std::string safe = shown(scrub(text));
  seen_.push_back({Text{place, safe}, clock_.now(), {}});
  for (const TextRule& rule : rules_) {
    if (rule.place != place) continue;
    auto fields = match(rule, safe);
    if (fields) seen_.push_back({Milestone{rule.milestone, std::move(*fields)}, clock_.now(), {}});
  }
  has_seen_.ring();
}

void TerminalEcr::report_garbage() {
  if (garbage_ == 0) return;
  seen_.push_back({Text{"ecr", "garbage: " + std::to_string(garbage_) + " bytes"}, garbage_at_, {}});
  garbage_ = 0;
}

Task<Seen> TerminalEcr::next() {
  while (seen_.empty()) {
    if (closed_) throw LinkError(LinkError::closed, "terminal ECR link closed");
    const Time burst_ends = garbage_ == 0 ? never : garbage_at_ + kBurstPause;
    if (lost_ || clock_.now() >= burst_ends) {
      report_garbage();
      if (seen_.empty()) throw EquipmentError("the terminal's ECR link is gone" + lost_why_);
      break;
    }
    co_await clock_.wait(has_seen_, burst_ends);
  }
  Seen seen = std::move(seen_.front());
  seen_.pop_front();
  co_return seen;
}

/// J|batch|stan|kind|amount_minor|state, and J.|count behind the last. False: no part of the book.
bool TerminalEcr::take_book_row(std::string_view data) {
  static const TextRule row{"ecr", "J|{batch}|{stan}|{kind}|{amount}|{state}", ""};
  static const TextRule end{"ecr", "J.|{count}", ""};
  const std::string safe = shown(scrub(data));
  if (const auto fields = match(row, safe)) {
    Entry entry{(*fields)[0].second, (*fields)[1].second, (*fields)[2].second, 0, (*fields)[4].second};
    if (!read_number((*fields)[3].second, entry.amount_minor)) book_fault_ = "a journal row has no amount: " + safe;
    if (rows_.size() < kMaxRows) rows_.push_back(std::move(entry));
    return true;
  }
  const auto fields = match(end, safe);
  if (!fields) return false;
  std::size_t count = 0;
  if (!read_number((*fields)[0].second, count) || count != rows_.size()) {
    book_fault_ = "terminal told " + std::to_string(rows_.size()) + " journal rows and counted " + (*fields)[0].second;
  }
  told_ = true;
  asked_ = false;
  book_news_.ring();
  return true;
}

Task<std::vector<Entry>> TerminalEcr::entries() {
  if (asked_) throw EquipmentError("the terminal's journal was asked for twice at once");
  if (lost_ || closed_) throw EquipmentError("the terminal's ECR link is gone" + lost_why_);
  asked_ = true;
  told_ = false;
  book_fault_.clear();
  rows_.clear();
  ask("J?");
  for (const Time limit = clock_.now() + kBookLimit; !told_ && !lost_ && !closed_ && clock_.now() < limit;) {
    co_await clock_.wait(book_news_, limit);
  }
  asked_ = false;
  if (!told_ && (lost_ || closed_)) throw EquipmentError("the terminal's ECR link is gone" + lost_why_);
  if (!told_) throw NoAnswer("the terminal did not tell its journal");
  if (!book_fault_.empty()) throw NoAnswer(book_fault_);
  co_return std::move(rows_);
}

void TerminalEcr::ask(std::string_view request) {
  outgoing_.push_back(kStx);
  outgoing_.insert(outgoing_.end(), request.begin(), request.end());
  outgoing_.push_back(kEtx);
  outgoing_.push_back(lrc_of(request));
  sends_.start(send());  // a terminal that takes nothing does not tell either
}

Task<> TerminalEcr::ask_last_result() {
  if (lost_ || closed_) throw EquipmentError("the terminal's ECR link is gone" + lost_why_);
  ask("L?");
  co_return;
}

Task<> TerminalEcr::send() {
  try {
    co_await flush();
  } catch (const LinkError&) {
    lost_ = true;
    book_news_.ring();
  }
}

/// One writer at a time: who comes while another writes leaves the bytes to that one.
Task<> TerminalEcr::flush() {
  if (sending_) co_return;
  struct Turn {
    bool& taken;
    ~Turn() { taken = false; }
  };
  sending_ = true;
  const Turn turn{sending_};
  while (!outgoing_.empty()) {
    const Bytes bytes = std::exchange(outgoing_, {});
    co_await link_->write(bytes);
  }
}

void TerminalEcr::close() {
  closed_ = true;
  link_->close(Close::fin);
  has_seen_.ring();
  book_news_.ring();
}

}  // namespace swiperig
