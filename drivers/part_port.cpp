#include "drivers/part_port.hpp"

#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "drivers/conversation.hpp"
#include "rig/bytes.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kLineBytes = 4096;
constexpr std::size_t kSeen = 65'536;

std::string line_of(const PartState& state) {
  json::object part{{"part", state.part}, {"state", state.state}};
  if (!state.which.empty()) part.emplace("which", state.which);
  return json::serialize(json::object{{"part", std::move(part)}});
}

std::string quoted(std::string_view line) { return "'" + shown(line) + "'"; }

}  // namespace

Task<> PartPort::serve() {
  std::array<std::uint8_t, 512> chunk;
  std::string line;
  while (fault_.empty()) {
    std::size_t n = 0;
    std::string end = "the link was closed by the far end";
    try {
      n = co_await link_->read_some(chunk);
    } catch (const LinkError& error) {
      end = error.what();
    }
    if (n == 0) fault(std::move(end));
    for (const char c : text_of(BytesView(chunk).first(n))) {
      if (!fault_.empty()) break;
      if (c == '\n') {
        take(line);
        line.clear();
      } else if (line.size() < kLineBytes) {
        line += c;
      } else {
        fault("a line over 4096 bytes: " + quoted(line));
      }
    }
  }
}

void PartPort::take(std::string_view line) {
  json::parse_options options;
  options.max_depth = 3;
  boost::system::error_code bad;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), bad, {}, options);
  const json::object* object = bad ? nullptr : value.if_object();
  if (object == nullptr || object->empty()) return fault("not a JSON object: " + quoted(line));
  const auto& first = *object->begin();
  if (first.key() == "draw") return;
  if (first.key() == "usb" && (first.value() == "up" || first.value() == "down")) {
    if (seen_.size() >= kSeen) return fault("more news than anybody reads");
    seen_.push_back({Presence{"usb", first.value() == "up"}, clock_.now(), Duration{}});
    arrived_.ring();
    return;
  }
  if (asked_.empty()) return fault("an answer that nobody asked for: " + quoted(line));
  if (first.key() == "error" && first.value().is_string()) {
    refused_ = quoted(first.value().get_string());
  } else if (value != json::parse(asked_)) {
    return fault("not the answer to what was asked: " + quoted(line));
  }
  asked_.clear();
  answered_.ring();
}

Task<> PartPort::set(PartState state) {
  while (busy_) {
    Bell turn;
    turns_.push_back(&turn);
    co_await clock_.wait(turn, never);
  }
  struct Turn {
    PartPort& port;
    explicit Turn(PartPort& p) : port(p) { port.busy_ = true; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      port.busy_ = false;
      if (port.turns_.empty()) return;
      Bell* next = port.turns_.front();
      port.turns_.pop_front();
      next->ring();
    }
  };
  const Turn turn(*this);
  if (!fault_.empty()) throw EquipmentError(fault_);
  asked_ = line_of(state);
  refused_.clear();
  const std::string line = asked_ + "\n";
  std::string broken;
  try {
    co_await link_->write(bytes_of(line));
  } catch (const LinkError& error) {
    broken = error.what();
  }
  if (!broken.empty()) fault(broken);
  for (const Time limit = clock_.now() + kPatience; !asked_.empty() && fault_.empty();) {
    const bool rung = co_await clock_.wait(answered_, limit);
    if (!rung && !asked_.empty()) fault("no answer within " + to_text(kPatience));
  }
  if (!fault_.empty()) throw EquipmentError(fault_);
  if (!refused_.empty()) throw EquipmentError("contact port: refused: " + refused_);
}

Task<Seen> PartPort::next() {
  while (seen_.empty()) {
    if (closed_) throw LinkError(LinkError::closed, "contact port: the link is closed");
    if (!fault_.empty()) throw EquipmentError(fault_);
    co_await clock_.wait(arrived_, never);
  }
  Seen seen = std::move(seen_.front());
  seen_.pop_front();
  co_return seen;
}

void PartPort::close() {
  closed_ = true;
  fault("the link is closed");
}

void PartPort::fault(std::string what) {
  if (!fault_.empty()) return;
  fault_ = "contact port: " + std::move(what);
  link_->close(Close::fin);
  answered_.ring();
  arrived_.ring();
}

}  // namespace swiperig
