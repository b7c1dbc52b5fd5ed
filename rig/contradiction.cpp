#include "rig/contradiction.hpp"

#include <charconv>
#include <map>
#include <set>
#include <utility>

namespace swiperig {

namespace {

/// What was held back is let go at one moment: as many requests may reach the host then as left the path.
bool all_left(std::span<const Event> events, std::size_t at) {
  const auto& arrived = std::get<Milestone>(events[at].body);
  int left = 0;
  for (std::size_t i = at + 1; i-- > 0 && events[i].at == events[at].at;) {
    const auto* m = std::get_if<Milestone>(&events[i].body);
    if (m == nullptr || field(m->fields, "stan") != field(arrived.fields, "stan")) continue;
    left += m->name == "request_left" ? 1 : m->name == arrived.name ? -1 : 0;
  }
  return left >= 0;
}

/// The same event a second time, to the nanosecond. Texts come twice, and a host may send a response twice.
bool repeats(std::span<const Event> events, std::size_t at) {
  const Event& e = events[at];
  const auto* m = std::get_if<Milestone>(&e.body);
  if (std::holds_alternative<Text>(e.body) || (m != nullptr && m->name.find("response_") != std::string::npos))
    return false;
  // two steps may ask for the same at one moment, and are both measured
  const bool asked =
      !e.is_observation() && !std::holds_alternative<Intent>(e.body) && !std::holds_alternative<Armed>(e.body);
  if (asked || std::holds_alternative<Reading>(e.body)) return false;
  if (m != nullptr && m->name == "request_at_host" && all_left(events, at)) return false;
  std::string body;
  for (std::size_t i = at; i-- > 0 && events[i].at == e.at;) {
    const Event& before = events[i];
    if (before.source != e.source || before.body.index() != e.body.index()) continue;
    // of most of them no text has to be made
    if (m != nullptr && m->name != std::get<Milestone>(before.body).name) continue;
    std::string other;
    append_json(before.body, other);
    if (body.empty()) append_json(e.body, body);
    if (body == other) return true;
  }
  return false;
}

class Record {
 public:
  explicit Record(std::span<const Event> events) {
    for (const Event& e : events) {
      const auto* m = std::get_if<Milestone>(&e.body);
      at_host_ = at_host_ || (m != nullptr && m->name == "request_at_host");
      moves_ = moves_ || std::holds_alternative<Swipe>(e.body) || std::holds_alternative<Press>(e.body);
      arms_ = arms_ || std::holds_alternative<Armed>(e.body);
    }
  }
  std::string operator()(const Event& e) {
    return std::visit([&](const auto& body) { return see(body); }, e.body);
  }

 private:
  static std::int64_t number(std::string_view digits) {
    std::int64_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
  }
  /// They are counted: below the first of this record, one of an earlier cycle is still open.
  bool made(std::int64_t connection) const {
    return connected_.contains(connection) || connected_.empty() || connection < *connected_.begin();
  }

  template <class Other>
  std::string see(const Other&) {
    return {};
  }
  std::string see(const Swipe&) { return ++asked_["swipe"], ""; }
  std::string see(const Press&) { return ++asked_["press"], ""; }
  std::string see(const Dip&) { return ++asked_["dip"], ""; }
  std::string see(const CardTap&) { return ++asked_["tap"], ""; }
  std::string see(const MotionDone& m) {
    if (!moves_ || --asked_[m.what] >= 0) return {};
    return "a " + m.what + " was done that nothing asked for";
  }
  std::string see(const Armed& a) { return armed_.insert(a.step), ""; }
  std::string see(const Fired& f) {
    if (!arms_ || f.step < 0 || armed_.contains(f.step)) return {};  // below 0: none of the case's
    return "step " + std::to_string(f.step + 1) + " fired and was never armed";
  }
  std::string see(const Presence& p) {
    const auto [at, first] = there_.try_emplace(p.what, p.up);
    if (!first && at->second == p.up) return p.what + (p.up ? " came and was there" : " went and was not there");
    at->second = p.up;
    return {};
  }
  std::string see(const Milestone& m) {
    const std::string_view by = field(m.fields, "connection");
    const std::int64_t connection = number(by);
    if (m.name == "connected" && !connected_.insert(connection).second) return "a connection was made twice";
    const bool refused = m.name == "refused" || m.name == "unreached";
    if (!by.empty() && !refused && !made(connection)) return m.name + " on a connection that was never made";
    if (m.name == "closed" && !closed_.emplace(connection, field(m.fields, "by")).second)
      return "one end closed a connection twice";
    // in either direction: what was changed on its way may leave as a message that nobody can read
    if (m.name.ends_with("_entered")) ++held_[connection];
    if (m.name.ends_with("_left") && --held_[connection] < 0)
      return m.name + ", and nothing of it had entered the path";
    if (m.name == "request_left") left_[attempt(m)] = field(m.fields, "amount");
    if (m.name == "request_at_host") {
      const std::string arrived = attempt(m);
      ++arrived_[arrived];
      const auto left = left_.find(arrived);
      if (left != left_.end() && left->second != field(m.fields, "amount"))
        return "the host has another amount than left the path";
    }
    if (m.name == "committed" && at_host_ && --arrived_[attempt(m)] < 0)
      return "the host committed what never reached it";
    return {};
  }
  static std::string attempt(const Milestone& m) {
    return std::string(field(m.fields, "batch")) + "/" + std::string(field(m.fields, "stan"));
  }

  bool at_host_ = false, moves_ = false, arms_ = false;  // the record says such things at all
  std::map<std::string, int, std::less<>> asked_, arrived_;
  std::set<int> armed_;
  std::map<std::string, std::string, std::less<>> left_;  // amounts
  std::map<std::string, bool> there_;
  std::set<std::int64_t> connected_;
  std::set<std::pair<std::int64_t, std::string>> closed_;  // by connection and who
  std::map<std::int64_t, int> held_;                       // by connection: entered and not left
};

}  // namespace

std::string contradiction(std::span<const Event> events) {
  Record record(events);
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& e = events[i];
    std::string what = record(e);
    if (e.seq <= last && last != 0) what = "its number is not above the one before it";
    last = e.seq;
    if (what.empty() && repeats(events, i)) what = "it says again what was said at that moment";
    if (!what.empty()) return "the record contradicts itself at event " + std::to_string(e.seq) + ": " + what;
  }
  return {};
}

}  // namespace swiperig
