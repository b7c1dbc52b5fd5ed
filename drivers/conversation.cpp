#include "drivers/conversation.hpp"

#include <array>
#include <cstdio>

#include "rig/mask.hpp"

namespace swiperig {
namespace {

constexpr std::size_t kLineBytes = 256;
constexpr std::size_t kLines = 128;
constexpr std::size_t kShownChars = 60;

}  // namespace

std::string shown(std::string_view line) {
  std::string out;
  for (const char c : scrub(line)) {
    if (out.size() >= kShownChars) return out + "...";
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      std::array<char, 8> code;
      std::snprintf(code.data(), code.size(), "\\x%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += code.data();
    }
  }
  return out;
}

Conversation::Conversation(Clock& clock, std::unique_ptr<Link> link, std::string device)
    : clock_(clock), link_(std::move(link)), device_(std::move(device)) {}

Conversation::~Conversation() { close(); }

void Conversation::fail(const std::string& what) const { throw EquipmentError(device_ + ": " + what); }

Task<> Conversation::serve() {
  std::array<std::uint8_t, 512> buffer;
  std::string end = "the link was closed by the far end";
  try {
    for (;;) {
      const std::size_t n = co_await link_->read_some(buffer);
      if (n == 0) break;
      take({reinterpret_cast<const char*>(buffer.data()), n});
    }
  } catch (const LinkError& error) {
    end = error.what();
  }
  if (fault_.empty()) fault_ = end;
  heard_.ring();
}

void Conversation::take(std::string_view bytes) {
  while (!bytes.empty() && fault_.empty()) {
    const auto ends = std::find_if(bytes.begin(), bytes.end(), [](char c) { return c == '\r' || c == '\n'; });
    const auto end = static_cast<std::size_t>(ends - bytes.begin());
    partial_ += bytes.substr(0, std::min(end, kLineBytes + 1));
    if (partial_.size() > kLineBytes) {
      partial_.resize(kLineBytes + 1);
      fault_ = "sends no lines: '" + shown(partial_) + "' (on a serial line, look at the baud rate)";
    }
    if (end == bytes.size()) break;
    bytes.remove_prefix(end + 1);
    if (partial_.empty() || !fault_.empty()) continue;
    lines_.push_back(std::exchange(partial_, {}));
    if (lines_.size() > kLines) fault_ = "sends more than anybody asked for: '" + shown(lines_.back()) + "'";
  }
  heard_.ring();
}

void Conversation::close() {
  if (fault_.empty()) fault_ = "the link is closed";
  link_->close(Close::fin);
  heard_.ring();
}

Task<Conversation::Floor> Conversation::floor() {
  if (taken_) {
    Bell turn;
    waiting_.push_back(&turn);
    // whoever leaves the floor hands it over still taken
    co_await clock_.wait(turn, never);
  }
  taken_ = true;
  co_return Floor(*this);
}

Conversation::Floor::~Floor() {
  if (whose_ == nullptr) return;
  if (whose_->waiting_.empty()) {
    whose_->taken_ = false;
    return;
  }
  Bell* next = whose_->waiting_.front();
  whose_->waiting_.pop_front();
  next->ring();
}

Task<> Conversation::say(std::string text) {
  if (!fault_.empty()) fail(fault_);
  std::string broken;
  try {
    co_await link_->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  } catch (const LinkError& error) {
    broken = error.what();
  }
  if (!broken.empty()) fail(broken);
}

Task<std::optional<std::string>> Conversation::hear(Time until) {
  for (;;) {
    if (!lines_.empty()) {
      std::string line = std::move(lines_.front());
      lines_.pop_front();
      co_return line;
    }
    if (!fault_.empty()) fail(fault_);
    const bool rung = co_await clock_.wait(heard_, until);
    if (!rung) co_return std::nullopt;
  }
}

}  // namespace swiperig
