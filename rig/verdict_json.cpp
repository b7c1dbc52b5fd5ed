// Cases, scopes and verdicts as the JSON that the trace keeps, and back.
#include <algorithm>
#include <boost/json.hpp>
#include <stdexcept>

#include "rig/verdict.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

constexpr std::string_view outcome_names[] = {"pass", "inconclusive", "fail", "error"};
constexpr std::string_view ending_names[] = {"silence", "fin", "reset"};
constexpr std::string_view side_names[] = {"both", "terminal", "host"};

template <class Strings>
json::array strings(const Strings& all) {
  json::array out;
  for (const auto& s : all) out.emplace_back(s);
  return out;
}
json::array numbers(const std::vector<std::uint64_t>& all) {
  json::array out;
  for (const auto n : all) out.emplace_back(static_cast<std::int64_t>(n));
  return out;
}

/// A JSON object read by name; what is missing or of another type is an error that names it.
class Object {
 public:
  explicit Object(const json::value& v) {
    if (!v.is_object()) throw std::runtime_error("expected a JSON object");
    object_ = &v.get_object();
  }
  const json::value& at(std::string_view name) const {
    if (const auto* v = object_->if_contains(name)) return *v;
    throw std::runtime_error("expected \"" + std::string(name) + "\"");
  }
  std::string text(std::string_view name) const { return std::string(typed(at(name).if_string(), name, "a string")); }
  std::int64_t integer(std::string_view name) const { return typed(at(name).if_int64(), name, "an integer"); }
  bool flag(std::string_view name) const { return typed(at(name).if_bool(), name, "true or false"); }
  const json::array& array(std::string_view name) const { return typed(at(name).if_array(), name, "an array"); }
  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& v : array(name)) out.emplace_back(typed(v.if_string(), name, "strings"));
    return out;
  }
  std::vector<std::uint64_t> numbers(std::string_view name) const {
    std::vector<std::uint64_t> out;
    for (const auto& v : array(name)) out.push_back(static_cast<std::uint64_t>(typed(v.if_int64(), name, "integers")));
    return out;
  }

 private:
  template <class T>
  static const T& typed(const T* v, std::string_view name, const char* what) {
    if (v == nullptr) throw std::runtime_error("expected " + std::string(what) + " in \"" + std::string(name) + "\"");
    return *v;
  }
  const json::object* object_;
};

json::value parsed(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  auto value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) throw std::runtime_error("expected JSON: " + error.message());
  return value;
}

json::object fault_json(const NetworkFault& f) {
  json::object out{{"network", to_string(f.kind)}, {"lasts_ns", f.lasts.count()}};
  // members that older readers do not know are there only where they say something
  if (f.wait.count() != 0) out.emplace("wait_ns", f.wait.count());
  if (f.count != 0) out.emplace("count", f.count);
  if (f.then != NetworkFault::silence) out.emplace("then", ending_names[f.then]);
  if (f.side != NetworkFault::both) out.emplace("side", side_names[f.side]);
  if (!f.what.empty()) out.emplace("what", f.what);
  if (f.sender != NetworkFault::host) out.emplace("sender", side_names[f.sender]);
  return out;
}

json::object action_json(const StepAction& action) {
  if (const auto* fault = std::get_if<NetworkFault>(&action)) return fault_json(*fault);
  const Body body = std::visit(
      [](const auto& a) -> Body {
        if constexpr (std::is_same_v<std::decay_t<decltype(a)>, NetworkFault>) {
          return Body{};
        } else {
          return a;
        }
      },
      action);
  std::string text;
  append_json(body, text);
  return {{"kind", kind_of(body)}, {"body", parsed(text)}};
}

template <class Names>
int place_of(const Names& names, const std::string& name) {
  const auto it = std::find(std::begin(names), std::end(names), name);
  if (it == std::end(names)) throw std::runtime_error("unknown word \"" + name + "\" of a network fault");
  return static_cast<int>(it - std::begin(names));
}

NetworkFault fault_of(const json::value& v) {
  constexpr std::string_view names[] = {
#define NETWORK_FAULT(name, upon, text) #name,
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  };
  const Object o(v);
  const auto has = [&](const char* name) { return v.get_object().contains(name); };
  NetworkFault f;
  f.kind = static_cast<NetworkFault::Kind>(place_of(names, o.text("network")));
  f.lasts = Duration(o.integer("lasts_ns"));
  if (has("wait_ns")) f.wait = Duration(o.integer("wait_ns"));
  if (has("count")) f.count = o.integer("count");
  if (has("then")) f.then = static_cast<NetworkFault::Ending>(place_of(ending_names, o.text("then")));
  if (has("side")) f.side = static_cast<NetworkFault::Side>(place_of(side_names, o.text("side")));
  if (has("what")) f.what = o.text("what");
  if (has("sender")) f.sender = static_cast<NetworkFault::Side>(place_of(side_names, o.text("sender")));
  return f;
}

StepAction action_of(const json::value& v) {
  const Object o(v);
  if (v.get_object().contains("network")) return fault_of(v);
  Body body = parse_body(o.text("kind"), json::serialize(o.at("body")));
  if (auto* a = std::get_if<Swipe>(&body)) return std::move(*a);
  if (auto* a = std::get_if<Press>(&body)) return std::move(*a);
  if (auto* a = std::get_if<Dip>(&body)) return std::move(*a);
  if (auto* a = std::get_if<CardTap>(&body)) return std::move(*a);
  if (auto* a = std::get_if<Supply>(&body)) return *a;
  if (auto* a = std::get_if<BrownOut>(&body)) return *a;
  if (auto* a = std::get_if<HostBehaviour>(&body)) return std::move(*a);
  if (auto* a = std::get_if<PartState>(&body)) return std::move(*a);
  throw std::runtime_error("a step cannot be a " + o.text("kind"));
}

constexpr std::pair<const char*, bool Habits::*> habit_names[] = {{"follows_guidance", &Habits::follows_guidance},
                                                                  {"asks_last_result", &Habits::asks_last_result},
                                                                  {"queries_status", &Habits::queries_status},
                                                                  {"looks_up", &Habits::looks_up},
                                                                  {"updates_software", &Habits::updates_software}};

json::object habits_json(const Habits& habits) {
  json::object out;
  for (const auto& [name, habit] : habit_names) {
    if (habits.*habit) out.emplace(name, true);
  }
  if (!habits.cleaning_card.empty()) out.emplace("cleaning_card", habits.cleaning_card);
  if (!habits.service_card.empty()) out.emplace("service_card", habits.service_card);
  return out;
}

Habits habits_of(const json::value& v) {
  const Object o(v);
  Habits habits;
  for (const auto& [name, habit] : habit_names) habits.*habit = v.get_object().contains(name) && o.flag(name);
  if (v.get_object().contains("cleaning_card")) habits.cleaning_card = o.text("cleaning_card");
  if (v.get_object().contains("service_card")) habits.service_card = o.text("service_card");
  return habits;
}

}  // namespace

std::string_view to_string(Outcome outcome) { return outcome_names[static_cast<std::size_t>(outcome)]; }

Outcome parse_outcome(std::string_view text) {
  for (std::size_t i = 0; i < std::size(outcome_names); ++i) {
    if (outcome_names[i] == text) return static_cast<Outcome>(i);
  }
  throw std::runtime_error("unknown outcome: " + std::string(text));
}

std::string to_json(const Verdict& v) {
  json::array findings;
  for (const Finding& f : v.findings) {
    findings.push_back({{"rule", f.rule}, {"what", f.what}, {"what_zh", f.what_zh}, {"evidence", numbers(f.evidence)}});
  }
  json::array ruled_out;
  for (const RuledOut& r : v.diagnosis.ruled_out)
    ruled_out.push_back({{"cause", r.cause}, {"why", r.why}, {"evidence", numbers(r.evidence)}});
  json::object out{{"outcome", to_string(v.outcome)},
                   {"why", v.why},
                   {"findings", std::move(findings)},
                   {"diagnosis",
                    {{"cause", v.diagnosis.cause},
                     {"why", v.diagnosis.why},
                     {"candidates", strings(v.diagnosis.candidates)},
                     {"evidence", numbers(v.diagnosis.evidence)},
                     {"confidence", v.diagnosis.confidence()},
                     {"ruled_out", std::move(ruled_out)},
                     {"open", strings(v.diagnosis.open)}}},
                   {"induced", v.induced},
                   {"checked", strings(v.checked)},
                   {"not_observable", strings(v.not_observable)},
                   {"not_reached", strings(v.not_reached)},
                   {"in_doubt_ns", v.in_doubt.count()},
                   {"no_return", v.no_return}};
  if (!v.points.empty()) out.emplace("points", strings(v.points));
  if (v.measured) out.emplace("measured", *v.measured);
  if (v.effect) {
    out.emplace(
        "effect",
        json::object{{"known", v.effect->known}, {"sold", v.effect->sold}, {"held_minor", v.effect->held_minor}});
  }
  if (!v.causes.empty()) out.emplace("causes", strings(v.causes));
  return json::serialize(out);
}

Verdict parse_verdict(std::string_view text) {
  const json::value value = parsed(text);
  const Object o(value);
  Verdict v;
  v.outcome = parse_outcome(o.text("outcome"));
  v.why = o.text("why");
  for (const auto& entry : o.array("findings")) {
    const Object f(entry);
    // traces of older programs have one language
    const bool both = entry.is_object() && entry.get_object().contains("what_zh");
    v.findings.push_back({f.text("rule"), f.text("what"), f.numbers("evidence"), both ? f.text("what_zh") : ""});
  }
  const Object d(o.at("diagnosis"));
  v.diagnosis = {d.text("cause"), d.text("why"), d.texts("candidates"), d.numbers("evidence")};
  if (o.at("diagnosis").get_object().contains("ruled_out")) {  // older programs said nothing of it
    for (const auto& entry : d.array("ruled_out")) {
      const Object r(entry);
      v.diagnosis.ruled_out.push_back({r.text("cause"), r.text("why"), r.numbers("evidence")});
    }
    v.diagnosis.open = d.texts("open");
  }
  v.induced = o.text("induced");
  if (value.get_object().contains("causes")) v.causes = o.texts("causes");
  v.checked = o.texts("checked");
  v.not_observable = o.texts("not_observable");
  v.not_reached = o.texts("not_reached");
  v.in_doubt = Duration(o.integer("in_doubt_ns"));
  v.no_return = o.flag("no_return");
  if (value.get_object().contains("points")) v.points = o.texts("points");
  if (value.get_object().contains("measured")) v.measured = o.flag("measured");
  if (value.get_object().contains("effect")) {
    const Object e(o.at("effect"));
    v.effect = Effect{e.flag("known"), e.flag("sold"), e.integer("held_minor")};
  }
  return v;
}

std::string to_json(const Scope& s) {
  json::object out = {{"sources", strings(s.sources)},
                      {"books", strings(s.books)},
                      {"answer_timeout_ns", s.answer_timeout.count()},
                      {"min_speed_mm_s", s.min_speed_mm_s},
                      {"max_speed_mm_s", s.max_speed_mm_s},
                      {"brownout_mv", s.brownout_mv},
                      {"bidirectional_reader", s.bidirectional_reader},
                      {"reversal_tries", s.reversal_tries},
                      {"keep_reversal_after_last_try", s.keep_reversal_after_last_try},
                      {"mac", s.mac},
                      {"reversal_done_codes", strings(s.reversal_done_codes)}};
  // members that older readers do not know are there only where they say something
  if (s.reverses_host_timeouts) out.emplace("reverses_host_timeouts", true);
  if (s.secrets_in_reversal) out.emplace("secrets_in_reversal", true);
  if (s.completion_limit_percent != 115) out.emplace("completion_limit_percent", s.completion_limit_percent);
  if (!s.unprinted_sale_stands) out.emplace("unprinted_sale_stands", false);
  if (s.watchdog.count() != 0) out.emplace("watchdog_ns", s.watchdog.count());
  return json::serialize(out);
}

Scope parse_scope(std::string_view text) {
  const json::value value = parsed(text);
  const Object o(value);
  Scope s;
  for (auto& t : o.texts("sources")) s.sources.insert(std::move(t));
  for (auto& t : o.texts("books")) s.books.insert(std::move(t));
  s.answer_timeout = Duration(o.integer("answer_timeout_ns"));
  s.min_speed_mm_s = o.integer("min_speed_mm_s");
  s.max_speed_mm_s = o.integer("max_speed_mm_s");
  s.brownout_mv = o.integer("brownout_mv");
  s.bidirectional_reader = o.flag("bidirectional_reader");
  s.reversal_tries = static_cast<int>(o.integer("reversal_tries"));
  s.keep_reversal_after_last_try = o.flag("keep_reversal_after_last_try");
  // traces of older programs do not have them
  const auto& members = value.get_object();
  if (members.contains("reverses_host_timeouts")) s.reverses_host_timeouts = o.flag("reverses_host_timeouts");
  if (members.contains("secrets_in_reversal")) s.secrets_in_reversal = o.flag("secrets_in_reversal");
  if (members.contains("completion_limit_percent"))
    s.completion_limit_percent = static_cast<int>(o.integer("completion_limit_percent"));
  s.mac = o.flag("mac");
  s.reversal_done_codes = o.texts("reversal_done_codes");
  if (value.get_object().contains("unprinted_sale_stands")) s.unprinted_sale_stands = o.flag("unprinted_sale_stands");
  if (value.get_object().contains("watchdog_ns")) s.watchdog = Duration(o.integer("watchdog_ns"));
  return s;
}

std::string to_json(const Case& c) {
  json::array steps;
  for (const Step& s : c.steps) {
    steps.push_back(
        {{"when", s.when}, {"nth", s.nth}, {"after_ns", s.after.count()}, {"action", action_json(s.action)}});
  }
  json::object out{{"name", c.name},
                   {"point", c.point},
                   {"amount_minor", c.amount_minor},
                   {"card", c.card},
                   {"steps", std::move(steps)},
                   {"cause", c.cause},
                   {"must", strings(c.must)},
                   {"patience_ns", c.patience.count()},
                   {"settle", c.settle},
                   {"where", c.where}};
  if (c.kind != "sale") {
    out.emplace("kind", c.kind);
    out.emplace("original_minor", c.original_minor);
  }
  // members that older readers do not know are there only where they say something
  const Measurement& m = c.measure;
  if (!m.milestone.empty()) {
    out.emplace("measure",
                json::object{{"milestone", m.milestone}, {"series", m.series}, {"axis", m.axis}, {"at", m.at}});
  }
  if (c.keyed_minor != 0) out.emplace("keyed_minor", c.keyed_minor);
  if (c.current_log.count() != 0) out.emplace("current_log_ns", c.current_log.count());
  if (!c.causes.empty()) out.emplace("causes", strings(c.causes));
  if (!c.both.empty()) out.emplace("both", strings(c.both));
  if (!c.sweep.series.empty()) {
    json::object place{{"series", c.sweep.series}, {"at", c.sweep.at}};
    if (c.sweep.repeats != 0) {
      place.emplace("repeats", c.sweep.repeats);
      place.emplace("first", c.sweep.first);
    }
    out.emplace("sweep", std::move(place));
  }
  if (c.habits != Habits{}) out.emplace("habits", habits_json(c.habits));
  if (c.quiet.count() != 0) out.emplace("quiet_ns", c.quiet.count());
  if (!c.trial.strategy.empty()) {
    out.emplace("trial", json::object{{"strategy", c.trial.strategy},
                                      {"strategy_zh", c.trial.strategy_zh},
                                      {"fault", c.trial.fault},
                                      {"with", c.trial.with}});
  }
  if (c.declares) out.emplace("declares", parsed(to_json(*c.declares)));
  return json::serialize(out);
}

Case parse_case(std::string_view text) {
  const json::value value = parsed(text);
  const Object o(value);
  Case c;
  c.name = o.text("name");
  c.point = o.text("point");
  c.amount_minor = o.integer("amount_minor");
  c.card = o.text("card");
  for (const auto& entry : o.array("steps")) {
    const Object s(entry);
    c.steps.push_back({s.text("when"), static_cast<int>(s.integer("nth")), Duration(s.integer("after_ns")),
                       action_of(s.at("action"))});
  }
  if (value.get_object().contains("kind")) {
    c.kind = o.text("kind");
    c.original_minor = o.integer("original_minor");
  }
  c.cause = o.text("cause");
  if (value.get_object().contains("keyed_minor")) c.keyed_minor = o.integer("keyed_minor");
  if (value.get_object().contains("causes")) c.causes = o.texts("causes");
  if (value.get_object().contains("both")) c.both = o.texts("both");
  if (value.get_object().contains("current_log_ns")) c.current_log = Duration(o.integer("current_log_ns"));
  c.must = o.texts("must");
  c.patience = Duration(o.integer("patience_ns"));
  c.settle = o.flag("settle");
  c.where = o.text("where");
  if (value.get_object().contains("measure")) {
    const Object m(o.at("measure"));
    c.measure = {m.text("milestone"), m.text("series"), m.text("axis"), m.text("at")};
  }
  if (value.get_object().contains("sweep")) {
    const Object place(o.at("sweep"));
    c.sweep.series = place.text("series");
    c.sweep.at = place.text("at");
    if (o.at("sweep").as_object().contains("repeats")) {
      c.sweep.repeats = place.integer("repeats");
      c.sweep.first = place.flag("first");
    }
  }
  if (value.get_object().contains("habits")) c.habits = habits_of(o.at("habits"));
  if (value.get_object().contains("quiet_ns")) c.quiet = Duration(o.integer("quiet_ns"));
  if (value.get_object().contains("trial")) {
    const Object trial(o.at("trial"));
    c.trial = {trial.text("strategy"), trial.text("strategy_zh"), trial.text("fault"), trial.flag("with")};
  }
  if (value.get_object().contains("declares")) {
    c.declares = std::make_shared<const Scope>(parse_scope(json::serialize(o.at("declares"))));
  }
  return c;
}

}  // namespace swiperig
