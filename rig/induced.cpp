#include "rig/induced.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "rig/rig_faults.hpp"
#include "rig/transaction.hpp"

namespace swiperig {

namespace {

struct Named {
  std::string_view name, cause;
};

std::string_view look_up(std::span<const Named> table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(), [&](const Named& n) { return n.name == name; });
  return at == table.end() ? std::string_view{} : at->cause;
}

/// DOMAIN.md 2.5, code by code.
std::string cause_of_decline(std::string_view code) {
  static constexpr Named codes[] = {
      {"51", "funds"},     {"45", "fallback"},  {"13", "wrong_amount"}, {"64", "wrong_amount"}, {"38", "wrong_pin"},
      {"55", "wrong_pin"}, {"75", "wrong_pin"}, {"03", "setup"},        {"97", "setup"},        {"14", "setup"},
      {"15", "setup"},     {"54", "setup"},     {"30", "setup"},        {"77", "setup"},        {"94", "setup"},
      {"A0", "setup"},     {"06", "host_down"}, {"68", "host_down"},    {"90", "host_down"},    {"91", "host_down"},
      {"92", "host_down"}, {"96", "host_down"}, {"98", "host_down"},    {"04", "forged"},       {"07", "forged"},
      {"33", "forged"},    {"34", "forged"},    {"35", "forged"},       {"36", "forged"},       {"37", "forged"},
      {"41", "forged"},    {"43", "forged"},    {"59", "forged"},       {"63", "forged"}};
  const std::string_view cause = look_up(codes, code);
  return cause.empty() ? "policy" : std::string(cause);
}

std::string cause_of(const HostBehaviour& host) {
  static constexpr Named behaviours[] = {{"normal", "none"},
                                         {"slow", "host_slow"},
                                         {"late", "host_slow"},
                                         {"silent", "host_down"},
                                         {"commit_silent", "host_down"},
                                         {"reset", "host_down"},
                                         {"reordered", "host_down"},
                                         {"die_before_commit", "host_down"},
                                         {"die_after_commit", "host_down"},
                                         {"refuse", "host_down"},
                                         {"duplicated", "none"},
                                         {"wrong_clock", "none"},
                                         {"fee", "none"},
                                         {"unknown_merchant", "setup"},
                                         {"unknown_terminal", "setup"}};
  if (const std::string_view cause = look_up(behaviours, host.name); !cause.empty()) return std::string(cause);
  if (host.name == "decline") return cause_of_decline(host.code.empty() ? "51" : host.code);
  if (host.name == "policy") return cause_of_decline(host.code);
  const bool out_of_service = host.name == "maintenance" || host.name.starts_with("issuer_");
  return out_of_service ? "host_down" : "forged";
}

std::string cause_of(const PartState& part) {
  static constexpr Named parts[] = {{"keypad", "keypad"}, {"display", "display"},  {"printer", "printer"},
                                    {"os", "os_crash"},   {"watchdog", "none"},    {"clock", "clock"},
                                    {"keys", "setup"},    {"storage", "database"}, {"ecr_link", "ecr_link"}};
  if (part.state == "sound" || part.state == "good") return "none";
  if (is_rigs_own(part.part)) return "rig_fault";
  if (part.part == "app") return part.state == "hang" ? "app_hang" : "app_crash";
  if (part.part == "chip") return part.state == "refuses" ? "chip" : "fallback";
  return std::string(look_up(parts, part.part));
}

std::string cause_of(const NetworkFault& fault) {
  switch (fault.kind) {
    case NetworkFault::alter:
    case NetworkFault::replay: return "forged";
    default: return "network";
  }
}

std::string cause_of(const Supply& supply) { return supply.on ? "none" : "power"; }
std::string cause_of(const BrownOut&) { return "power"; }
std::string cause_of(const Dip&) { return "none"; }
std::string cause_of(const CardTap&) { return "none"; }
std::string cause_of(const Press&) { return "wrong_amount"; }
std::string cause_of(const Swipe&) { return "operator_swipe"; }

/// A cashier's.
Swipe well_swiped(const std::string& card) {
  Swipe well;
  well.card = card;
  return well;
}

bool swiped_well(const Swipe& s, const Scope& scope) {
  return manner_of(s).empty() && !s.reverse && s.acceleration_mm_s2 == 0 && s.speed_mm_s >= scope.min_speed_mm_s &&
         s.speed_mm_s <= scope.max_speed_mm_s;
}

std::string without_digits(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c < '0' || c > '9'; });
  return out;
}

/// One event without its moment; "" where only that moment says anything.
class Trait {
 public:
  std::string operator()(const Milestone& m) const {
    static constexpr std::string_view telling[] = {"amount", "code", "mac",  "outcome", "by",
                                                   "how",    "kind", "from", "mti",     "reason"};
    std::string out = m.name;
    for (const auto& [name, value] : m.fields) {
      if (std::find(std::begin(telling), std::end(telling), name) != std::end(telling)) out += " " + name + value;
    }
    return out;
  }
  std::string operator()(const Text& t) const { return t.place + " " + without_digits(t.text); }
  std::string operator()(const Reading& r) const { return "rail " + std::to_string(r.rail_mv / 1000) + " V"; }
  std::string operator()(const MotionDone& m) const {
    const std::string asked = m.manner.substr(0, m.manner.find(", first at "));  // what follows was measured
    return m.what + asked + (m.reverse ? "reverse" : "");
  }
  std::string operator()(const Presence& p) const { return p.what + (p.up ? "up" : "down"); }
  std::string operator()(const Silence&) const { return "silence"; }
  std::string operator()(const EquipmentFault& f) const { return f.what; }
  template <class Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

bool ends(const Event& e) {
  const auto* m = std::get_if<Milestone>(&e.body);
  return m != nullptr && (m->name == "told" || m->name == "served");
}

/// The events of the case itself, until its result was told.
std::vector<const Event*> of_case(std::span<const Event> events) {
  std::vector<const Event*> out;
  bool begun = false;
  for (const Event& e : events) {
    if (const auto* intent = std::get_if<Intent>(&e.body)) {
      if (begun) break;
      begun = begins_case(intent->what);
      continue;
    }
    if (!begun || !e.is_observation() || std::holds_alternative<Fired>(e.body)) continue;
    out.push_back(&e);
    if (ends(e)) break;
  }
  return out;
}

/// What is said of the result, and not on the way to it: once the network has nothing more to do with it.
bool of_the_result(const Event& e, std::uint64_t last_on_network, Time end) {
  static constexpr std::string_view results[] = {"told",        "served",       "printed",    "printer_failed",
                                                 "chip_failed", "chip_refused", "over_limit", "storage_failed",
                                                 "clock_lost",  "tampered",     "read_error"};
  if (const auto* m = std::get_if<Milestone>(&e.body))
    return std::find(std::begin(results), std::end(results), m->name) != std::end(results);
  if (std::holds_alternative<Text>(e.body))
    return end - e.at <= std::chrono::milliseconds(50) || (last_on_network != 0 && e.seq > last_on_network);
  return std::holds_alternative<Silence>(e.body);
}

}  // namespace

std::vector<Induced> induced(const Case& c, const Scope& scope, const std::string& good_card) {
  std::vector<Induced> all;
  const auto add = [&](std::vector<std::string> causes) -> Case& {
    return all.emplace_back(Induced{std::move(causes), c}).without;
  };
  if (c.keyed_minor != 0) add({"wrong_amount"}).keyed_minor = 0;
  for (std::size_t i = 0; i < c.steps.size(); ++i) {
    const auto* swipe = std::get_if<Swipe>(&c.steps[i].action);
    const auto* part = std::get_if<PartState>(&c.steps[i].action);
    if (part != nullptr && part->part == "chip") {  // it is the card that pays: another one instead of none
      if (part->state == "good") continue;
      std::vector<std::string> causes = {cause_of(*part)};
      if (part->state != "refuses") causes.emplace_back("chip");  // where the stripe cannot be read either
      std::get<PartState>(add(std::move(causes)).steps[i].action).state = "good";
      continue;
    }
    if (swipe == nullptr && presents_card(c.steps[i].action)) continue;
    if (swipe == nullptr) {
      std::vector<std::string> causes = {
          std::visit([](const auto& action) { return cause_of(action); }, c.steps[i].action)};
      // who has heard nothing before has nothing to send again
      const auto* host = std::get_if<HostBehaviour>(&c.steps[i].action);
      if (host != nullptr && host->name == "replayed") causes.emplace_back("host_down");
      Case& without = add(std::move(causes));
      without.steps.erase(without.steps.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    if (!swiped_well(*swipe, scope)) add({"operator_swipe"}).steps[i].action = well_swiped(swipe->card);
    if (swipe->card == good_card) continue;
    Case& without = add({"card_reader", "policy"});  // worn out, or not for this
    std::get<Swipe>(without.steps[i].action).card = good_card;
    without.card = good_card;
  }
  return all;
}

Case undisturbed(const Case& c, const Scope& scope, const std::string& good_card) {
  Case plain = c;
  while (true) {
    const std::vector<Induced> left = induced(plain, scope, good_card);
    if (left.empty()) return plain;
    plain = left.front().without;
  }
}

std::vector<std::string> traits(std::span<const Event> events) {
  std::vector<std::string> out;
  for (const Event* e : of_case(events)) {
    std::string trait = std::visit(Trait{}, e->body);
    if (!trait.empty()) out.push_back(std::string(to_string(e->source)) + " " + std::move(trait));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> noticed(std::span<const Event> events) {
  const std::vector<const Event*> all = of_case(events);
  std::vector<std::string> out;
  std::uint64_t last_on_network = 0;
  for (const Event* e : all) {
    if (e->source == Source::network) last_on_network = e->seq;
  }
  for (const Event* e : all) {
    if (of_the_result(*e, last_on_network, all.back()->at)) out.push_back(std::visit(Trait{}, e->body));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace swiperig
