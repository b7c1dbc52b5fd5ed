#include "bindings/campaign_file.hpp"

#include <algorithm>
#include <set>

#include "bindings/config.hpp"
#include "bindings/held_card_options.hpp"
#include "bindings/network_options.hpp"
#include "bindings/power_options.hpp"
#include "bindings/strategies.hpp"
#include "bindings/sweep.hpp"
#include "bindings/swipe_options.hpp"
#include "rig/drawn.hpp"
#include "rig/host_behaviour.hpp"
#include "rig/points.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

std::vector<std::string> cause_names() {
  return {
#define CAUSE(name, section, parent, english, chinese) #name,
#include "rig/causes.def"
#undef CAUSE
      std::string(unclaimed_cause),
  };
}

/// How long a step's action lasts, where that is swept.
void set_lasts(Step& s, Duration lasts) {
  if (auto* fault = std::get_if<NetworkFault>(&s.action)) fault->lasts = lasts;
  if (auto* part = std::get_if<PartState>(&s.action)) part->lasts = lasts;
  if (auto* behaviour = std::get_if<HostBehaviour>(&s.action)) behaviour->lasts = lasts;
}

/// `part = "printer", state = "out_of_paper"`, and of a keypad `which = "OK"`.
PartState part_state(const Table& t, const Value& part, Duration lasts) {
  struct Row {
    std::string part, state;
  };
  static const std::vector<Row> rows = {
#define PART(part, state, section, text) {#part, #state},
#include "rig/parts.def"
#undef PART
#define RIG_FAULT(part, state, text) {#part, #state},
#include "rig/rig_faults.def"
#undef RIG_FAULT
  };
  std::vector<std::string> parts, states;
  for (const Row& row : rows) {
    if (parts.empty() || parts.back() != row.part) parts.push_back(row.part);
  }
  PartState s;
  s.part = part.word(parts);
  for (const Row& row : rows) {
    if (row.part == s.part) states.push_back(row.state);
  }
  states.emplace_back("sound");
  s.state = t.at("state").word(states);
  if (const Value* which = t.find("which")) {
    if (s.part != "keypad") which->refuse("which only with keypad: the key");
    s.which = which->text();
  }
  s.lasts = lasts;
  return s;
}

/// What the host is told, with the duration and the code that go with it.
HostBehaviour host_step(const Table& t, const Value& host, const Value* lasts_at, Duration lasts) {
  std::vector<std::string> names;
  for (const HostBehaviourRow& row : host_behaviour_rows) names.emplace_back(row.name);
  HostBehaviour behaviour{host.word(names), lasts, {}};
  const auto& row = *std::find_if(std::begin(host_behaviour_rows), std::end(host_behaviour_rows),
                                  [&](const HostBehaviourRow& r) { return behaviour.name == r.name; });
  if (row.lasts == HostBehaviourRow::must && lasts_at == nullptr) {
    host.refuse("lasts = \"...\" with " + behaviour.name);
  }
  if (row.lasts == HostBehaviourRow::no && lasts_at != nullptr) {
    lasts_at->refuse("no lasts with " + behaviour.name + ": it goes on until the bench is at rest");
  }
  const Value* code = t.find("code");
  const std::string_view codes = row.codes;
  if (code != nullptr) {
    behaviour.code = code->text();
    if (codes.empty()) code->refuse("no code with " + behaviour.name);
    if (!row.takes(behaviour.code)) {
      code->refuse(codes == "*" ? "a response code of two characters" : "one of the codes " + std::string(codes));
    }
  } else if (behaviour.name == "policy") {
    host.refuse("code = \"...\" with policy: which limit it is, " + std::string(codes));
  }
  return behaviour;
}

/// Step `number` of its case.
Step step(const Value& v, std::size_t number, Sweeps& sweeps) {
  const Table& t = v.table();
  Step s;
  s.when = t.at("when").word(milestone_names());
  if (const Value* n = t.find("nth")) {
    const auto set = [number](Case& c, std::int64_t nth) { c.steps[number].nth = static_cast<int>(nth); };
    s.nth = static_cast<int>(sweeps.integer(*n, "nth #", 1, 1000, set));
  }
  if (const Value* a = t.find("after")) {
    const auto set = [number](Case& c, std::int64_t ns) { c.steps[number].after = Duration(ns); };
    s.after = sweeps.duration(*a, "after #", 0ns, 600s, set);
  }
  const Value* network = t.find("network");
  const Value* power = t.find("power");
  const Value* brown_out = t.find("brown_out");
  const Value* host = t.find("host");
  const Value* part = t.find("part");
  const Value* press = t.find("press");
  const auto actions = {network, power, brown_out, host, part, press};
  if (std::count(actions.begin(), actions.end(), nullptr) != std::ssize(actions) - 1) {
    v.refuse("exactly one of network, power, brown_out, host, part, press in a step");
  }
  Duration lasts{};
  const Value* lasts_at = t.find("lasts");
  if (lasts_at != nullptr) {
    const auto set = [number](Case& c, std::int64_t ns) { set_lasts(c.steps[number], Duration(ns)); };
    lasts = sweeps.duration(*lasts_at, "for #", 1us, 600s, set);
  }
  if (network != nullptr) {
    NetworkFault fault = read_network_fault(t, *network, s.when, lasts_at, number, sweeps);
    fault.lasts = lasts;
    s.action = std::move(fault);
  } else if (part != nullptr) {
    s.action = part_state(t, *part, lasts);
  } else if (press != nullptr) {
    if (lasts_at != nullptr) lasts_at->refuse("no lasts with press");
    s.action = Press{press->text()};
  } else if (brown_out != nullptr) {
    if (lasts_at != nullptr) lasts_at->refuse("lasts within brown_out = { ... }");
    s.action = read_brown_out(*brown_out, number, sweeps);
  } else if (power != nullptr) {
    if (lasts_at != nullptr) lasts_at->refuse("no lasts with power: it comes back when the terminal recovers");
    power->word({"off"});
    s.action = Supply{false};
  } else {
    s.action = host_step(t, *host, lasts_at, lasts);
  }
  t.nothing_else();
  return s;
}

void refuse_two_faults_of_one_message(const Value& v, const Case& c) {
  const std::size_t later = second_fault_of_one_message(c);
  if (later == 0) return;
  v.refuse("one step at the " + std::to_string(c.steps[later].nth) + ". " + c.steps[later].when +
           ": a message meets one fault");
}

RandomCases read_random(const Value& v) {
  const Table& t = v.table();
  RandomCases r;
  r.where = v.where();
  r.cycles = t.at("cycles").integer(1, 1'000'000'000);
  if (const Value* most = t.find("most_faults")) r.most_faults = most->integer(0, 8);
  if (const Value* attribute = t.find("attribute")) r.attribute = attribute->flag();
  if (const Value* rig = t.find("rig_faults")) r.rig_faults = rig->flag();
  if (const Value* kinds = t.find("kinds")) {
    for (const Value& kind : kinds->array()) r.kinds.push_back(kind.word(kind_names()));
    if (r.kinds.empty()) kinds->refuse("at least one kind");
  }
  t.nothing_else();
  return r;
}

}  // namespace

std::vector<Case> read_case(const Value& v, std::map<std::string, std::string>& windows, Wear* wear) {
  const Table& t = v.table();
  Case c;
  Sweeps sweeps;
  c.where = v.where();
  c.name = t.at("name").text();
  if (c.name.empty() || c.name.size() > 80) t.at("name").refuse("a name of 1 to 80 characters");
  if (const Value* p = t.find("point")) {
    c.point = p->text();
    if (points_named(c.point).empty())
      p->refuse("points of DOMAIN.md 3.2, P1 to P21: \"P10\", or of a sweep \"P13 P14\"");
  }
  if (const Value* k = t.find("kind")) c.kind = k->word(kind_names());
  const TransactionKind* kind = kind_named(c.kind);
  const bool asks_card = kind != nullptr && kind->asks_card;
  const bool about_another = kind != nullptr && !kind->original.empty();
  if (kind != nullptr && (kind->asks_amount || about_another)) {
    const auto set = [](Case& one, std::int64_t n) { one.amount_minor = n; };
    c.amount_minor = sweeps.amount(t.at("amount"), "amount #", set);
  } else if (const Value* amount = t.find("amount")) {
    amount->refuse("no amount with kind = \"" + c.kind + "\": nobody is asked for one");
  }
  if (const Value* keyed = t.find("keyed")) {
    if (kind == nullptr || !kind->asks_amount) keyed->refuse("keyed only with a kind that asks for an amount");
    c.keyed_minor = keyed->amount();
  }
  if (const Value* o = t.find("original_amount")) {
    if (!about_another || kind->takes_all)
      o->refuse("original_amount only with a kind that may differ from what it is about");
    c.original_minor = o->amount();
  }
  if (const Value* m = t.find("measure")) {
    c.measure.milestone = m->word(milestone_names());
    c.measure.series = c.name;
    if (const Value* cause = t.find("cause")) cause->refuse("no cause in a case that measures: it induces nothing");
  } else {
    c.cause = t.at("cause").word(cause_names());
  }
  std::vector<SwipeAt> swipes(1);
  const Value* reader_passes = t.find("reader_passes");
  if (reader_passes != nullptr && wear == nullptr) reader_passes->refuse("reader_passes in a campaign's file only");
  const Value* dip = t.find("dip");
  const Value* tap = t.find("tap");
  const bool held = dip != nullptr || tap != nullptr;
  if (held && (!asks_card || t.find("swipe") != nullptr || (dip != nullptr && tap != nullptr))) {
    (dip != nullptr ? dip : tap)->refuse("one of swipe, dip and tap, of a kind that asks for a card");
  }
  const Value* swipe_at = asks_card && !held ? &t.at("swipe") : t.find("swipe");
  const bool shows_card = asks_card && !held && (!swipe_at->is_text() || swipe_at->text() != "none");
  if (shows_card) {
    swipes = read_swipes(t.at("card"), t.at("swipe"), reader_passes, t.find("measure"));
    c.card = swipes.front().swipe.card;
    c.steps.push_back({"card_wanted", 1, 0ns, swipes.front().swipe});
  } else if (reader_passes != nullptr) {
    reader_passes->refuse("reader_passes only with a card that is swiped");
  } else if (held) {
    if (const Value* measure = t.find("measure")) measure->refuse("a swipe in a case that measures");
    c.card = t.at("card").text();
    StepAction action = dip != nullptr ? StepAction(read_dip(*dip, c.card, sweeps)) : read_tap(*tap, c.card, sweeps);
    c.steps.push_back({"card_wanted", 1, 0ns, std::move(action)});
  } else if (asks_card) {
    if (const Value* measure = t.find("measure")) measure->refuse("a swipe in a case that measures");
  } else {
    for (const char* key : {"card", "swipe", "measure"}) {
      if (const Value* odd = t.find(key))
        odd->refuse(std::string("no ") + key + " with kind = \"" + c.kind + "\": it asks for no card");
    }
  }
  if (const Value* steps = t.find("step")) {
    for (const Value& s : steps->array()) c.steps.push_back(step(s, c.steps.size(), sweeps));
  }
  for (const Value& m : t.at("must").array()) c.must.push_back(m.word(milestone_names()));
  if (c.must.empty())
    t.at("must").refuse("at least one milestone: a case says what must have happened for it to count");
  if (const Value* p = t.find("pin")) {
    if (!asks_card) p->refuse("pin only with a kind that asks for a card");
    if (p->is_text()) {
      c.pins.push_back(p->text());
    } else {
      for (const Value& one : p->array()) c.pins.push_back(one.text());
    }
    for (const std::string& name : c.pins) {
      if (name.empty() || name.find(' ') != std::string::npos) p->refuse("names of the bench's file of pins");
    }
  }
  if (const Value* p = t.find("patience")) c.patience = p->duration(1s, 3600s);
  if (const Value* s = t.find("settle")) c.settle = s->flag();
  if (const Value* l = t.find("current_log")) c.current_log = l->duration(1ms, 60s);
  if (const Value* q = t.find("quiet")) c.quiet = q->duration(1s, 3600s);
  t.nothing_else();
  std::vector<Case> all;
  if (wear == nullptr && sweeps.look_for_borders()) v.refuse("a border is looked for in a campaign's file only");
  if (c.measure.milestone.empty()) {
    all = sweeps.expand(v, c);
    for (const Case& one : all) {
      refuse_two_faults_of_one_message(v, one);
      if (reader_passes != nullptr) wear->reader_passes[one.name] = swipes.front().reader_passes;
    }
    if (!sweeps.empty()) windows.emplace(c.name, sweeps.words());
    return all;
  }
  if (!sweeps.empty()) v.refuse("no sweep in a case that measures: it has its axis");
  for (const SwipeAt& one : swipes) {
    Case& at = all.emplace_back(c);
    if (one.axis.empty()) continue;
    at.name += ", " + one.at;
    at.card = one.swipe.card;
    at.steps.front().action = one.swipe;
    at.measure.axis = one.axis;
    at.measure.at = one.at;
    if (reader_passes != nullptr) wear->reader_passes[at.name] = one.reader_passes;
  }
  return all;
}

const Case& written_case(const Campaign& campaign, std::int64_t cycle) {
  const auto n = static_cast<std::size_t>(cycle);
  return campaign.cases[campaign.order.empty() ? n % campaign.cases.size() : campaign.order.at(n)];
}

std::int64_t order_first_round(Campaign& campaign) {
  for (std::int64_t round = 0; round < campaign.repeat; ++round) {
    for (std::size_t i = 0; i < campaign.cases.size(); ++i) {
      if (campaign.cases[i].sweep.first) campaign.order.push_back(i);
    }
  }
  return static_cast<std::int64_t>(campaign.order.size());
}

std::int64_t order_next(Campaign& campaign, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto at =
        std::find_if(campaign.cases.begin(), campaign.cases.end(), [&](const Case& c) { return c.name == name; });
    campaign.order.push_back(static_cast<std::size_t>(at - campaign.cases.begin()));
  }
  return static_cast<std::int64_t>(campaign.order.size());
}

std::vector<std::string> milestone_names() {
  return {
#define MILESTONE(name, who, text) #name,
#include "rig/milestones.def"
#undef MILESTONE
  };
}

Step read_step(const Value& v) {
  Sweeps sweeps;
  Step s = step(v, 0, sweeps);
  if (!sweeps.empty()) v.refuse("one value of each: nothing is swept here");
  return s;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const TransactionKind& kind : transaction_kinds) names.emplace_back(kind.name);
  names.insert(names.end(), {"parameters", "update"});
  return names;
}

std::vector<std::string> kinds_done(const std::string& kind) {
  std::vector<std::string> names = {kind};
  for (const TransactionKind* k = kind_named(kind); k != nullptr && !k->original.empty(); k = kind_named(k->original)) {
    names.emplace_back(k->original);
  }
  return names;
}

std::size_t second_fault_of_one_message(const Case& c) {
  for (std::size_t later = 1; later < c.steps.size(); ++later) {
    for (std::size_t i = 0; i < later; ++i) {
      const Step &a = c.steps[i], &b = c.steps[later];
      if (a.when.ends_with("_entered") && a.when == b.when && a.nth == b.nth && a.after == 0ns && b.after == 0ns)
        return later;
    }
  }
  return 0;
}

Campaign read_campaign(const std::string& path) { return read_campaign(*read_config(path), path); }

Campaign read_campaign(const Table& root, const std::string& path) {
  Campaign c;
  c.path = path;
  root.at("schema").integer(1, 1);
  c.name = root.at("name").text();
  const bool plain = !c.name.empty() && c.name.size() <= 40 &&
                     std::all_of(c.name.begin(), c.name.end(),
                                 [](unsigned char ch) { return std::isalnum(ch) != 0 || ch == '_' || ch == '-'; });
  if (!plain) root.at("name").refuse("a name of letters, digits, - and _");
  if (const Value* b = root.find("bench")) c.bench = beside(*b);
  if (const Value* t = root.find("terminal")) c.terminal = beside(*t);
  if (const Value* e = root.find("epoch_cycles")) c.epoch_cycles = e->integer(1, 1000);
  if (const Value* random = root.find("random")) {
    if (const Value* cases = root.find("case")) cases->refuse("either [[case]] or [random]");
    c.random = read_random(*random);
    if (c.random->attribute && c.epoch_cycles != 1)
      random->refuse("epoch_cycles = 1 with attribute: a case is tried on a bench of its own");
    root.nothing_else();
    return c;
  }
  if (const Value* pairs = root.find("pairs")) c.pairs = pairs->flag();
  if (const Value* r = root.find("repeat")) c.repeat = r->integer(1, 100'000'000);
  const Value* strategies = root.find("strategy");
  std::set<std::string> names;
  for (const Value& v : root.at("case").array()) {
    if (const Value* with = strategies == nullptr ? nullptr : v.table().find("with"))
      c.settings.emplace(v.table().at("name").text(), *with);
    for (Case& one : read_case(v, c.sweeps, &c.wear)) {
      if (c.cases.size() == most_cases) v.refuse("at most " + std::to_string(most_cases) + " cases in a campaign");
      if (!names.insert(one.name).second) v.refuse("a case name that is not used twice");
      c.cases.push_back(std::move(one));
    }
  }
  const Value* wear = root.find("wear");
  if (wear != nullptr) c.wear.passes_per_cycle = read_passes_per_cycle(*wear);
  if (c.wear.any() && (c.epoch_cycles != 1 || c.pairs || strategies != nullptr)) {
    (wear != nullptr ? *wear : root.at("case"))
        .refuse(
            "epoch_cycles = 1 with wear or reader_passes, and neither pairs nor strategies: each cycle has a reader "
            "of its own");
  }
  if (c.cases.empty()) root.at("case").refuse("at least one [[case]]");
  if (c.looks_for_borders() && (c.pairs || c.wear.any() || strategies != nullptr))
    root.at("case").refuse("neither pairs, wear nor strategies where borders are looked for");
  if (c.pairs && c.epoch_cycles != 1)
    root.at("pairs").refuse("epoch_cycles = 1 with pairs: a pair is tried on a bench of its own");
  if (strategies != nullptr) {
    if (c.pairs) root.at("pairs").refuse("no pairs beside strategies");
    if (c.epoch_cycles != 1)
      strategies->refuse("epoch_cycles = 1 beside strategies: each cycle has a terminal of its own");
    for (const Value& v : strategies->array()) c.strategies.push_back(read_strategy(v));
    if (c.strategies.empty()) strategies->refuse("at least one [[strategy]]");
  }
  root.nothing_else();
  return c;
}

}  // namespace swiperig
