#include "reports/messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "reports/visible.hpp"

namespace swiperig {

namespace {

constexpr char digits[] = "0123456789abcdef";

/// Stored JSON as it is, but valid UTF-8.
void append_stored(std::string_view json, std::string& out) {
  while (!json.empty()) {
    const auto plain = static_cast<std::size_t>(
        std::find_if(json.begin(), json.end(), [](char c) { return (c & 0x80) != 0; }) - json.begin());
    out += json.substr(0, plain);
    json.remove_prefix(plain);
    if (json.empty()) return;
    const std::size_t length = utf8_length(json);
    if (length != 0) {
      out += json.substr(0, length);
    } else {
      const auto byte = static_cast<unsigned char>(json[0]);
      out += "\\\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
    json.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

/// One flat object, member by member.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  Writer& text(std::string_view name, std::string_view value) {
    key(name);
    out_ += '"';
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    if (std::all_of(value.begin(), value.end(), plain)) {  // nearly always
      out_ += value;
      out_ += '"';
      return *this;
    }
    std::string escaped;
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        escaped += '\\';
        escaped += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        escaped += "\\u00";
        escaped += digits[static_cast<unsigned char>(c) >> 4];
        escaped += digits[c & 15];
      } else {
        escaped += c;
      }
    }
    append_stored(escaped, out_);
    out_ += '"';
    return *this;
  }
  Writer& number(std::string_view name, std::int64_t value) {
    key(name);
    std::array<char, 24> text;
    out_.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
    return *this;
  }
  Writer& flag(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
    return *this;
  }
  Writer& stored(std::string_view name, std::string_view json) {
    key(name);
    append_stored(json, out_);
    return *this;
  }

 private:
  void key(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }
  std::string& out_;
};

std::string_view tell(const RunBegun& r, Writer& w) {
  w.text("state", "running").text("campaign", r.campaign).text("bench", r.bench).text("seed", r.seed);
  w.flag("virtual", r.is_virtual).number("cycles_planned", r.cycles_planned).text("rig_version", r.rig_version);
  w.number("begun_wall_s", r.begun_wall_s);
  return "health";
}

std::string_view tell(const CycleBegun& c, Writer& w) {
  w.number("cycle", c.cycle).text("case", c.case_name).number("begun_ns", c.begun_ns);
  return "cycle";
}

std::string_view tell(const StoredLine& e, Writer& w) {
  w.number("cycle", e.cycle).number("event", e.seq).number("at_ns", e.at_ns);
  w.number("at_uncertainty_ns", e.at_uncertainty_ns).text("source", e.source).text("kind", e.kind);
  w.stored("body", e.body);
  return "event";
}

std::string_view tell(const CycleJudged& v, Writer& w) {
  w.number("cycle", v.cycle).text("case", v.case_name).number("ended_ns", v.ended_ns).text("outcome", v.outcome);
  w.text("cause", v.cause).text("induced", v.induced).text("head", v.head).stored("verdict", v.verdict);
  return "verdict";
}

std::string_view tell(const RunEnded& r, Writer& w) {
  w.text("state", "ended").number("cycles", r.cycles).number("events", r.events).number("wall_ms", r.wall_ms);
  w.number("ended_wall_s", r.ended_wall_s).text("head", r.head);
  return "health";
}

}  // namespace

PublishedMessage published(std::string_view run_id, std::int64_t number, const TailEntry& entry) {
  PublishedMessage m;
  publish_into(m, run_id, number, entry);
  return m;
}

void publish_into(PublishedMessage& m, std::string_view run_id, std::int64_t number, const TailEntry& entry) {
  m.json.clear();
  m.json.reserve(512);
  Writer w(m.json);
  w.number("schema", message_schema).text("run", run_id).number("seq", number);
  const std::string_view last = std::visit([&](const auto& e) { return tell(e, w); }, entry);
  m.json += '}';
  m.topic.assign("run/").append(run_id).append("/").append(last);
}

}  // namespace swiperig
