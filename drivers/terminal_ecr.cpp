#include "drivers/terminal_ecr.hpp"

#include <array>
#include <charconv>

#include "drivers/said_text.hpp"
#include "rig/text_rule.hpp"

namespace swiperig {

namespace {

constexpr std::uint8_t kEnq = 0x05, kAck = 0x06, kNak = 0x15;
/// What announces a length is taken up again after a pause that no frame has.
constexpr Duration kLostPause = std::chrono::seconds(2);
constexpr std::string_view kZvtDone("\x80\x00\x00", 3);
constexpr Duration kBookLimit = std::chrono::seconds(5);
constexpr Duration kBurstPause = std::chrono::milliseconds(200);
/// A terminal repeats a result within a second; the same words much later are another event.
constexpr Duration kRepeatWindow = std::chrono::milliseconds(2500);
constexpr std::size_t kMaxRows = 10000;

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
      if (!words_.framing.finds_beginnings() && clock_.now() - heard_at_ > kLostPause) lose_the_thread();
      heard_at_ = clock_.now();
      for (std::size_t i = 0; i < n; ++i) {
        if (auto cut = cutter_.take(chunk[i])) take(std::move(*cut));
      }
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

void TerminalEcr::lose_the_thread() {
  if (auto cut = cutter_.abandon()) take(std::move(*cut));
}

void TerminalEcr::take(Cut cut) {
  switch (cut.what) {
    case Cut::sign: answer_sign(cut.data); break;
    case Cut::garbage:
      garbage_ += cut.size;
      garbage_at_ = clock_.now();
      has_seen_.ring();
      break;
    case Cut::broken:
      report_garbage();
      if (words_.acknowledges != TerminalLink::Acknowledges::nothing) outgoing_.push_back(kNak);
      report("ecr", std::string(words_.framing.is_zvt() ? "wrong CRC: " : "wrong LRC: ") + std::to_string(cut.size) +
                        " bytes");
      break;
    case Cut::frame:
      report_garbage();
      take_frame(std::move(cut.data));
      break;
  }
}

/// A terminal that asks whether the register listens is told so.
void TerminalEcr::answer_sign(std::string_view sign) {
  const bool asks = !sign.empty() && static_cast<std::uint8_t>(sign[0]) == kEnq;
  if (asks && words_.acknowledges == TerminalLink::Acknowledges::frames) outgoing_.push_back(kAck);
}

/// Whether it is to be told: a repeat of what was heard is not.
bool TerminalEcr::acknowledge(std::string_view data) {
  using Acknowledges = TerminalLink::Acknowledges;
  if (words_.acknowledges == Acknowledges::nothing) return true;
  if (words_.acknowledges == Acknowledges::results && !data.starts_with(words_.results)) return true;
  const EcrFraming& framing = words_.framing;
  if (framing.kind == EcrFraming::Kind::stx_etx_lrc || framing.kind == EcrFraming::Kind::zvt_serial) {
    outgoing_.push_back(kAck);
  }
  const auto command_class = data.empty() ? 0U : static_cast<std::uint8_t>(data[0]);
  if (framing.is_zvt() && (command_class == 0x04 || command_class == 0x06)) {
    const std::string done = ecr_frame(framing, kZvtDone);
    outgoing_.insert(outgoing_.end(), done.begin(), done.end());
  }
  const bool repeated = data == last_result_ && clock_.now() - last_result_at_ <= kRepeatWindow;
  last_result_ = data;
  last_result_at_ = clock_.now();
  return !repeated;
}

void TerminalEcr::take_frame(std::string data) {
  masker_.mask(data);
  if (!acknowledge(data)) return;
  const std::string text = frame_text(words_, data);
  for (const auto& [place, begins] : words_.places) {
    if (text.starts_with(begins)) return report(place, std::string_view(text).substr(begins.size()));
  }
  if (!asked_ || !take_book_row(text)) report("ecr", text);
}

void TerminalEcr::report(std::string place, std::string_view text) {
  tell_text(rules_, std::move(place), text, clock_.now(), seen_);
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
  const std::string safe = readable(data);
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
  ask(words_.journal);
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
  const std::string wire = ecr_frame(words_.framing, request);
  outgoing_.insert(outgoing_.end(), wire.begin(), wire.end());
  sends_.start(send());  // a terminal that takes nothing does not tell either
}

Task<> TerminalEcr::ask_last_result() {
  if (lost_ || closed_) throw EquipmentError("the terminal's ECR link is gone" + lost_why_);
  ask(words_.last_result);
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
