#include "bindings/python/columns.hpp"

#include <algorithm>
#include <array>

namespace swiperig {

namespace {

constexpr std::array milestones = {
#define MILESTONE(name, who, text) std::string_view(#name),
#include "rig/milestones.def"
#undef MILESTONE
};
constexpr std::array sources = {Source::rig,     Source::actuator, Source::power,
                                Source::network, Source::host,     Source::terminal};

template <std::size_t... I>
std::vector<std::string> kinds_of(std::index_sequence<I...>) {
  return {std::string(kind_of(Body(std::in_place_index<I>)))...};
}

/// Canonical bodies begin with the milestone's name: {"name":"told","fields":...
std::int16_t milestone_in(std::string_view body) {
  constexpr std::string_view before = R"({"name":")";
  if (!body.starts_with(before)) return -1;
  body.remove_prefix(before.size());
  const auto it = std::find(milestones.begin(), milestones.end(), body.substr(0, body.find('"')));
  return it == milestones.end() ? std::int16_t{-1} : static_cast<std::int16_t>(it - milestones.begin());
}

class Codes {
 public:
  Columns columns;

  void add(const StoredLine& e) {
    Columns& c = columns;
    c.seq.push_back(e.seq);
    c.cycle.push_back(e.cycle);
    c.at_ns.push_back(e.at_ns);
    c.at_uncertainty_ns.push_back(e.at_uncertainty_ns);
    c.source.push_back(code(sources_, e.source, e.seq));
    c.kind.push_back(code(kinds_, e.kind, e.seq));
    c.milestone.push_back(e.kind == "milestone" ? milestone_in(e.body) : std::int16_t{-1});
    c.body_begin.push_back(static_cast<std::int64_t>(c.bodies.size()));
    c.bodies += e.body;
  }
  Columns end() {
    columns.body_begin.push_back(static_cast<std::int64_t>(columns.bodies.size()));
    return std::move(columns);
  }

 private:
  static std::uint8_t code(const std::vector<std::string>& names, std::string_view name, std::int64_t seq) {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end())
      throw TraceError("event " + std::to_string(seq) + ": unknown word \"" + std::string(name) + "\"");
    return static_cast<std::uint8_t>(it - names.begin());
  }
  const std::vector<std::string> sources_ = source_names(), kinds_ = body_kinds();
};

}  // namespace

std::vector<std::string> source_names() {
  std::vector<std::string> names;
  for (const Source s : sources) names.emplace_back(to_string(s));
  return names;
}

std::vector<std::string> body_kinds() { return kinds_of(std::make_index_sequence<std::variant_size_v<Body>>()); }

Columns columns_of(std::span<const Event> events) {
  Codes codes;
  std::string body;
  for (const Event& e : events) {
    body.clear();
    append_json(e.body, body);
    codes.add({static_cast<std::int64_t>(e.seq), e.cycle, e.at.time_since_epoch().count(), e.at_uncertainty.count(),
               to_string(e.source), kind_of(e.body), body});
  }
  return codes.end();
}

Columns columns_of(const TraceReader& trace) {
  Codes codes;
  const auto n = static_cast<std::size_t>(trace.events());
  for (auto* column : {&codes.columns.seq, &codes.columns.cycle, &codes.columns.at_ns, &codes.columns.at_uncertainty_ns,
                       &codes.columns.body_begin})
    column->reserve(n + 1);
  codes.columns.source.reserve(n);
  codes.columns.kind.reserve(n);
  codes.columns.milestone.reserve(n);
  trace.for_each_line([&](const StoredLine& line) { codes.add(line); });
  return codes.end();
}

}  // namespace swiperig
