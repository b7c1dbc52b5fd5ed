#include "drivers/host_control.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "drivers/conversation.hpp"
#include "rig/crew.hpp"
#include "rig/mask.hpp"

namespace swiperig {
namespace {

namespace json = boost::json;

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kLineBytes = 4096;
constexpr std::size_t kRows = 100'000;
constexpr std::size_t kSeen = 65'536;
constexpr std::size_t kMembers = 16;
constexpr std::size_t kValueBytes = 32;
constexpr std::string_view kStates[] = {"approved", "declined", "reversed", "tombstone", "held", "posted", "released"};
constexpr struct {
  std::string_view name, observer;
} kMilestones[] = {
#define MILESTONE(name, who, text) {#name, #who},
#include "rig/milestones.def"
#undef MILESTONE
};

template <class List>
bool among(const List& list, std::string_view what) {
  return std::find(std::begin(list), std::end(list), what) != std::end(list);
}

bool plain(std::string_view text) {
  if (text.size() > kValueBytes) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool six_digits(std::string_view text) {
  return text.size() == 6 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view{};
}

/// What came, fit for an error message: no card number, no control character, not long.
std::string quoted(std::string_view line) { return "'" + shown(scrub(line)) + "'"; }

bool read_entry(const json::value& value, Entry& entry) {
  const json::object* row = value.if_object();
  if (row == nullptr || row->size() != 5) return false;
  const json::value* amount = row->if_contains("amount_minor");
  const std::string_view kind = text_in(*row, "kind");
  if (amount == nullptr || !amount->is_int64() || amount->get_int64() < 0) return false;
  if (kind.empty() || !plain(kind)) return false;
  entry = {std::string(text_in(*row, "batch")), std::string(text_in(*row, "stan")), scrub(kind), amount->get_int64(),
           std::string(text_in(*row, "state"))};
  return six_digits(entry.batch) && six_digits(entry.stan) && among(kStates, entry.state);
}

bool read_milestone(const json::object& object, Milestone& milestone) {
  milestone.name = text_in(object, "milestone");
  const bool of_host = std::any_of(std::begin(kMilestones), std::end(kMilestones),
                                   [&](const auto& m) { return m.name == milestone.name && m.observer == "host"; });
  if (!of_host || object.size() > kMembers) return false;
  for (const auto& [key, value] : object) {
    if (key == "milestone") continue;
    if (!value.is_string() || !plain(key) || !plain(value.get_string())) return false;
    milestone.fields.emplace_back(scrub(key), scrub(value.get_string()));
  }
  return true;
}

std::string behave_line(const HostBehaviour& behaviour) {
  const std::int64_t lasts_ms = std::chrono::ceil<std::chrono::milliseconds>(behaviour.lasts).count();
  json::object line{{"behave", behaviour.name}, {"lasts_ms", lasts_ms}};
  if (!behaviour.code.empty()) line.emplace("code", behaviour.code);
  return json::serialize(line) + "\n";
}

}  // namespace

Task<> HostControl::serve() {
  Crew crew(clock_);
  crew.start(read());
  crew.start(write());
  co_await crew.join();
}

void HostControl::close() {
  closed_ = true;
  fault("the link is closed");
}

void HostControl::fault(std::string what) {
  if (!fault_.empty()) return;
  fault_ = "host control: " + std::move(what);
  link_->close(Close::fin);
  outgoing_.ring();
  arrived_.ring();
  for (Asked* asked : std::exchange(asked_, {})) asked->answered.ring();
}

Task<> HostControl::read() {
  std::array<std::uint8_t, 1024> chunk;
  std::string line;
  while (fault_.empty()) {
    std::size_t n = 0;
    std::string end = "the link was closed by the far end";
    try {
      n = co_await link_->read_some(chunk);
    } catch (const LinkError& error) {
      end = error.what();
    }
    if (n == 0) {
      fault(std::move(end));
      break;
    }
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

Task<> HostControl::write() {
  while (fault_.empty()) {
    if (outbox_.empty()) {
      co_await clock_.wait(outgoing_, never);
      continue;
    }
    const std::string line = std::move(outbox_.front());
    outbox_.pop_front();
    try {
      co_await link_->write(bytes_of(line));
    } catch (const LinkError& error) {
      fault(error.what());
    }
  }
}

void HostControl::take(std::string_view line) {
  json::parse_options options;
  options.max_depth = 2;
  boost::system::error_code bad;
  std::array<unsigned char, 4096> room;
  json::monotonic_resource memory(room.data(), room.size());
  const json::value value = json::parse(line, bad, &memory, options);
  const json::object* object = bad ? nullptr : value.if_object();
  if (object == nullptr || object->empty()) return fault("not a JSON object: " + quoted(line));

  if (object->contains("milestone")) {
    Milestone milestone;
    if (!read_milestone(*object, milestone)) return fault("not a milestone of a host: " + quoted(line));
    if (seen_.size() >= kSeen) return fault("more milestones than anybody reads");
    seen_.push_back({std::move(milestone), clock_.now(), Duration{}});
    arrived_.ring();
    return;
  }

  if (asked_.empty()) return fault("an answer that nobody asked for: " + quoted(line));
  Asked& asked = *asked_.front();
  const json::value& first = object->begin()->value();
  const std::string_view kind = object->begin()->key();
  bool done = object->size() == 1;
  if (!done) return fault("not an answer: " + quoted(line));
  if (kind == "error" && first.is_string()) {
    asked.refused = quoted(first.get_string());
  } else if (kind == "ok" && !asked.wants_entries) {
    done = text_in(*object, "ok") == asked.ok;
  } else if (kind == "entry" && asked.wants_entries) {
    Entry entry;
    if (!read_entry(first, entry)) return fault("not a row of a ledger: " + quoted(line));
    if (asked.entries.size() >= kRows) return fault("more rows than a batch can have");
    asked.entries.push_back(std::move(entry));
    return;
  } else if (kind == "end" && asked.wants_entries) {
    done = first.is_int64() && first.get_int64() == static_cast<std::int64_t>(asked.entries.size());
  } else {
    done = false;
  }
  if (!done) return fault("not the answer to what was asked: " + quoted(line));
  asked.done = true;
  asked_.pop_front();
  asked.answered.ring();
}

Task<> HostControl::ask(Asked& asked, std::string line) {
  if (!fault_.empty()) throw EquipmentError(fault_);
  asked_.push_back(&asked);
  outbox_.push_back(std::move(line));
  outgoing_.ring();
  const bool rung = co_await clock_.wait(asked.answered, clock_.now() + kPatience);
  if (!rung && !asked.done) fault("no answer within " + to_text(kPatience));
  if (!asked.done) throw EquipmentError(fault_);
  if (!asked.refused.empty()) throw EquipmentError("host control: refused: " + asked.refused);
}

Task<> HostControl::set(HostBehaviour behaviour) {
  Asked asked;
  co_await ask(asked, behave_line(behaviour));
}

Task<std::vector<Entry>> HostControl::entries() { return rows("open"); }

Task<std::vector<Entry>> HostControl::rows(std::string book) {
  Asked asked;
  asked.wants_entries = true;
  co_await ask(asked, "{\"ledger\":\"" + book + "\"}\n");
  co_return std::move(asked.entries);
}

Task<> HostControl::look_up(std::string reference) {
  Asked asked;
  asked.ok = "look_up";
  json::object line;
  line.emplace("look_up", reference);
  std::string text = json::serialize(line) + "\n";
  co_await ask(asked, std::move(text));
}

Task<Seen> HostControl::next() {
  while (seen_.empty()) {
    if (closed_) throw LinkError(LinkError::closed, "host control: the link is closed");
    if (!fault_.empty()) throw EquipmentError(fault_);
    co_await clock_.wait(arrived_, never);
  }
  Seen seen = std::move(seen_.front());
  seen_.pop_front();
  co_return seen;
}

}  // namespace swiperig
