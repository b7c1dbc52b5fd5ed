#include "rig/event.hpp"

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace swiperig {

namespace {

constexpr std::array<std::string_view, 6> source_names = {"rig", "actuator", "power", "network", "host", "terminal"};
constexpr std::array<std::string_view, std::variant_size_v<Body>> kind_names = {
    "swipe",          "press",    "dip",       "tap",   "supply",          "brown_out", "impairment",
    "host_behaviour", "part",     "intent",    "armed", "milestone",       "text",      "reading",
    "motion_done",    "presence", "book_read", "fired", "equipment_fault", "silence"};

// Writing and reading share one description of each body: `fields` visits its members by name.
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Swipe> {
  v("card", body.card), v("speed_mm_s", body.speed_mm_s), v("reverse", body.reverse);
  v.odd("face", body.face, std::string("front")), v.odd("acceleration_mm_s2", body.acceleration_mm_s2);
  v.odd("from_mm", body.from_mm), v.odd("to_mm", body.to_mm), v.odd("stop_mm", body.stop_mm);
  v.odd("stop_lasts_ns", body.stop_lasts), v.odd("tilt_mdeg", body.tilt_mdeg), v.odd("twice", body.twice);
  v.odd("lift_mm", body.lift_mm);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Press> {
  v("keys", body.keys);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Dip> {
  v("card", body.card), v("dwell_ns", body.dwell);
  v.odd("depth_mm", body.depth_mm), v.odd("speed_mm_s", body.speed_mm_s, std::int64_t{100});
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, CardTap> {
  v("card", body.card), v("hold_ns", body.hold), v.odd("height_mm", body.height_mm);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Supply> {
  v("on", body.on);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, BrownOut> {
  v("to_mv", body.to_mv), v("lasts_ns", body.lasts);
  v.odd("fall_ns", body.fall), v.odd("rise_ns", body.rise), v.odd("steps", body.steps);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Impairment> {
  v("outage", body.outage), v("lasts_ns", body.lasts);
  v.odd("bytes_per_s", body.bytes_per_s), v.odd("jitter_ns", body.jitter);
  v.odd("door", body.door), v.odd("door_wait_ns", body.door_wait);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, HostBehaviour> {
  v("name", body.name), v("lasts_ns", body.lasts), v("code", body.code);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, PartState> {
  v("part", body.part), v("state", body.state), v.odd("which", body.which), v.odd("lasts_ns", body.lasts);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Intent> {
  v("what", body.what), v("amount_minor", body.amount_minor), v("detail", body.detail);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Armed> {
  v("step", body.step), v("what", body.what);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Milestone> {
  v("name", body.name), v("fields", body.fields);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Text> {
  v("place", body.place), v("text", body.text);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Reading> {
  v("rail_mv", body.rail_mv), v("draw_ma", body.draw_ma);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, MotionDone> {
  v("what", body.what), v("speed_mm_s", body.speed_mm_s), v("reverse", body.reverse), v.odd("manner", body.manner);
  v.odd("held_ns", body.held);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Presence> {
  v("what", body.what), v("up", body.up), v.odd("where", body.where);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Entry> {
  v("batch", body.batch), v("stan", body.stan), v("kind", body.kind), v("amount_minor", body.amount_minor),
      v("state", body.state);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, BookRead> {
  v("book", body.book), v("entries", body.entries);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Fired> {
  v("step", body.step), v("done", body.done), v("what", body.what);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, EquipmentFault> {
  v("what", body.what);
}
template <class B, class Visit>
void fields(B& body, Visit& v) requires std::is_same_v<std::remove_const_t<B>, Silence> {
  v("lasted_ns", body.lasted);
}

/// Gathers small pieces and hands them on in large ones.
class Gathered {
 public:
  explicit Gathered(std::string& to) : to_(to) {}
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;
  ~Gathered() { to_.append(room_.data(), used_); }
  void operator+=(char c) {
    *room(1) = c;
    ++used_;
  }
  void append(std::string_view text) {
    if (text.size() > room_.size()) {
      to_.append(room_.data(), std::exchange(used_, 0));
      to_.append(text);
      return;
    }
    std::memcpy(room(text.size()), text.data(), text.size());
    used_ += text.size();
  }
  /// At least `bytes`, of at most 512; `used` says how many were filled.
  char* room(std::size_t bytes) {
    if (used_ + bytes > room_.size()) to_.append(room_.data(), std::exchange(used_, 0));
    return room_.data() + used_;
  }
  std::size_t size() const { return to_.size() + used_; }
  void used(const char* end) { used_ = static_cast<std::size_t>(end - room_.data()); }

 private:
  std::string& to_;
  std::size_t used_ = 0;
  std::array<char, 512> room_;
};

constexpr std::size_t kDigits = 20;  // of any 64-bit integer, with its sign

void append_number(std::int64_t n, Gathered& out) {
  char* const digits = out.room(kDigits);
  out.used(std::to_chars(digits, digits + kDigits, n).ptr);
}

/// Bytes that JSON does not take as they are.
constexpr bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f || c == '"' || c == '\\';
}

/// How many bytes from `from` on go out as they are. Eight at a time: a byte below 0x20, or one that is '"', '\\' or
/// 0x7f, shows by the borrow out of its top bit.
std::size_t plain_until(std::string_view text, std::size_t from) {
  constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  const auto zero_byte = [](std::uint64_t x) { return (x - ones) & ~x; };
  std::size_t plain = from;
  for (std::uint64_t eight = 0; plain + 8 <= text.size(); plain += 8) {
    std::memcpy(&eight, text.data() + plain, 8);
    const std::uint64_t odd = ((eight - ones * 0x20) & ~eight) | zero_byte(eight ^ (ones * '"')) |
                              zero_byte(eight ^ (ones * '\\')) | zero_byte(eight ^ (ones * 0x7f));
    if ((odd & tops) != 0) break;
  }
  static constexpr auto escaped = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 256; ++c) table[static_cast<std::size_t>(c)] = needs_escape(static_cast<char>(c));
    return table;
  }();
  while (plain < text.size() && !escaped[static_cast<unsigned char>(text[plain])]) ++plain;
  return plain;
}

void append_string(std::string_view text, Gathered& out) {
  out += '"';
  for (std::size_t done = 0;;) {
    const std::size_t plain = plain_until(text, done);
    out.append(text.substr(done, plain - done));
    if (plain == text.size()) break;
    const char c = text[plain];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      static constexpr char hex[] = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      out.append("\\u00");
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
    done = plain + 1;
  }
  out += '"';
}

struct Writer {
  Gathered& out;
  bool first = true;
  void key(std::string_view name) {
    // names are a few characters long
    char* at = out.room(name.size() + 4);
    if (!std::exchange(first, false)) *at++ = ',';
    *at++ = '"';
    at += name.copy(at, name.size());
    *at++ = '"';
    *at++ = ':';
    out.used(at);
  }
  /// A member that is left out where it is as usual.
  template <class T>
  void odd(std::string_view name, const T& v, const T& usual = {}) {
    if (v != usual) (*this)(name, v);
  }
  void operator()(std::string_view name, const std::string& v) { key(name), append_string(v, out); }
  void operator()(std::string_view name, std::int64_t v) { key(name), append_number(v, out); }
  void operator()(std::string_view name, int v) { key(name), append_number(v, out); }
  void operator()(std::string_view name, bool v) { key(name), out.append(v ? "true" : "false"); }
  void operator()(std::string_view name, Duration v) { key(name), append_number(v.count(), out); }
  void operator()(std::string_view name, const Fields& v) {
    key(name);
    out += '{';
    Writer inner{out};
    for (const auto& [k, value] : v) {
      if (!inner.first) out += ',';
      inner.first = false;
      append_string(k, out);
      out += ':';
      append_string(value, out);
    }
    out += '}';
  }
  void operator()(std::string_view name, const std::vector<Entry>& v) {
    key(name);
    out += '[';
    bool first_entry = true;
    for (const Entry& e : v) {
      if (!first_entry) out += ',';
      first_entry = false;
      out += '{';
      Writer inner{out};
      fields(e, inner);
      out += '}';
    }
    out += ']';
  }
};

struct Reader {
  const boost::json::object& object;
  std::size_t seen = 0;

  const boost::json::value& at(std::string_view name) {
    const auto* v = object.if_contains(name);
    if (v == nullptr) throw std::runtime_error("expected \"" + std::string(name) + "\"");
    ++seen;
    return *v;
  }
  static std::int64_t integer(const boost::json::value& v, std::string_view name) {
    if (const auto* n = v.if_int64()) return *n;
    throw std::runtime_error("expected an integer in \"" + std::string(name) + "\"");
  }
  static std::string string(const boost::json::value& v, std::string_view name) {
    if (const auto* s = v.if_string()) return std::string(*s);
    throw std::runtime_error("expected a string in \"" + std::string(name) + "\"");
  }
  template <class T>
  void odd(std::string_view name, T& v, const T& usual = {}) {
    v = usual;
    if (object.contains(name)) (*this)(name, v);
  }
  void operator()(std::string_view name, std::string& v) { v = string(at(name), name); }
  void operator()(std::string_view name, std::int64_t& v) { v = integer(at(name), name); }
  void operator()(std::string_view name, int& v) {
    const std::int64_t n = integer(at(name), name);
    v = static_cast<int>(n);
    if (v != n) throw std::runtime_error("expected a small integer in \"" + std::string(name) + "\"");
  }
  void operator()(std::string_view name, bool& v) {
    const auto* b = at(name).if_bool();
    if (b == nullptr) throw std::runtime_error("expected true or false in \"" + std::string(name) + "\"");
    v = *b;
  }
  void operator()(std::string_view name, Duration& v) { v = Duration(integer(at(name), name)); }
  void operator()(std::string_view name, Fields& v) {
    const auto* o = at(name).if_object();
    if (o == nullptr) throw std::runtime_error("expected an object in \"" + std::string(name) + "\"");
    for (const auto& member : *o) v.emplace_back(member.key(), string(member.value(), member.key()));
  }
  void operator()(std::string_view name, std::vector<Entry>& v) {
    const auto* a = at(name).if_array();
    if (a == nullptr) throw std::runtime_error("expected an array in \"" + std::string(name) + "\"");
    for (const auto& row : *a) {
      if (!row.is_object()) throw std::runtime_error("expected objects in \"" + std::string(name) + "\"");
      Reader inner{row.get_object()};
      fields(v.emplace_back(), inner);
      if (inner.seen != inner.object.size())
        throw std::runtime_error("unknown member in \"" + std::string(name) + "\"");
    }
  }
};

template <std::size_t I = 0>
Body parse_as(std::string_view kind, const boost::json::object& object) {
  if constexpr (I < std::variant_size_v<Body>) {
    if (kind != kind_names[I]) return parse_as<I + 1>(kind, object);
    std::variant_alternative_t<I, Body> body{};
    Reader reader{object};
    fields(body, reader);
    if (reader.seen != object.size()) throw std::runtime_error("unknown member in a " + std::string(kind));
    return body;
  } else {
    throw std::runtime_error("unknown kind of event: " + std::string(kind));
  }
}

}  // namespace

std::string_view to_string(Source source) { return source_names[static_cast<std::size_t>(source)]; }

Source parse_source(std::string_view text) {
  for (std::size_t i = 0; i < source_names.size(); ++i) {
    if (source_names[i] == text) return static_cast<Source>(i);
  }
  throw std::runtime_error("unknown source: " + std::string(text));
}

std::string_view field(const Fields& all, std::string_view name) {
  for (const auto& [key, value] : all) {
    // most names are of the same few lengths
    if (key.size() == name.size() && !name.empty() && key[0] == name[0] && key == name) return value;
  }
  return {};
}

std::string manner_of(const Swipe& swipe) {
  std::string manner;
  const auto add = [&](const std::string& words) { manner += (manner.empty() ? "" : ", ") + words; };
  const auto mm = [](std::int64_t n) { return std::to_string(n) + " mm"; };
  if (swipe.face == "back") add("back of the card");
  if (swipe.face == "upside_down") add("upside down");
  if (swipe.tilt_mdeg != 0) add("tilted by " + std::to_string(swipe.tilt_mdeg) + " mdeg");
  if (swipe.acceleration_mm_s2 != 0) add("accelerating by " + std::to_string(swipe.acceleration_mm_s2) + " mm/s2");
  if (swipe.from_mm != 0) add("from " + mm(swipe.from_mm) + " on");
  if (swipe.to_mm != 0) add("only to " + mm(swipe.to_mm));
  if (swipe.stop_mm != 0) add("stopped at " + mm(swipe.stop_mm) + " for " + to_text(swipe.stop_lasts));
  if (swipe.lift_mm != 0) add(mm(swipe.lift_mm) + " above the floor of the slot");
  if (swipe.twice) add("twice");
  return manner;
}

std::string manner_of(const Dip& dip) {
  std::string manner = dip.depth_mm == 0 ? "" : "only " + std::to_string(dip.depth_mm) + " mm deep";
  if (dip.speed_mm_s != Dip{}.speed_mm_s) {
    manner += (manner.empty() ? "at " : ", at ") + std::to_string(dip.speed_mm_s) + " mm/s";
  }
  return manner;
}

std::string manner_of(const CardTap& tap) {
  return tap.height_mm == 0 ? "" : std::to_string(tap.height_mm) + " mm above the taught place";
}

std::string_view kind_of(const Body& body) { return kind_names[body.index()]; }

namespace {

void append_body(const Body& body, Gathered& out) {
  out += '{';
  Writer writer{out};
  std::visit([&](const auto& b) { fields(b, writer); }, body);
  out += '}';
}

}  // namespace

void append_json(const Body& body, std::string& text) {
  Gathered out(text);
  append_body(body, out);
}

void append_prefix(std::int64_t at_ns, std::int64_t at_uncertainty_ns, std::string_view source, std::string_view kind,
                   std::string& out) {
  Gathered gathered(out);
  append_number(at_ns, gathered);
  gathered += '|';
  append_number(at_uncertainty_ns, gathered);
  for (const std::string_view word : {source, kind}) {
    gathered += '|';
    gathered.append(word);
  }
  gathered += '|';
}

std::size_t append_line(const Event& event, std::string& out) {
  Gathered gathered(out);
  gathered += '[';
  append_number(event.at.time_since_epoch().count(), gathered);
  gathered += ',';
  append_number(event.at_uncertainty.count(), gathered);
  for (const std::string_view word : {to_string(event.source), kind_of(event.body)}) {
    gathered += ',';
    gathered += '"';
    gathered.append(word);
    gathered += '"';
  }
  gathered += ',';
  const std::size_t body = gathered.size();
  append_body(event.body, gathered);
  gathered += ']';
  return body;
}

void append_canonical(const Event& event, std::string& out) {
  append_prefix(event.at.time_since_epoch().count(), event.at_uncertainty.count(), to_string(event.source),
                kind_of(event.body), out);
  append_json(event.body, out);
}

Body parse_body(std::string_view kind, std::string_view json) {
  boost::system::error_code error;
  // a far end may have sent any bytes, and what was recorded must come back
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;
  const auto value = boost::json::parse({json.data(), json.size()}, error, {}, options);
  if (error || !value.is_object()) throw std::runtime_error("expected a JSON object");
  return parse_as(kind, value.get_object());
}

}  // namespace swiperig
