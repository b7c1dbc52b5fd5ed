#include "bindings/drawn_case.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "bindings/config.hpp"
#include "rig/alter.hpp"
#include "rig/drawn.hpp"
#include "rig/host_behaviour.hpp"
#include "rig/random.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t draw_source = 0x43415345;  // "CASE"
constexpr int most_tries = 1000;

constexpr std::string_view all_milestones[] = {
#define MILESTONE(name, who, text) #name,
#include "rig/milestones.def"
#undef MILESTONE
};
/// What only people bring about who were told to comes in no drawn case, nor does what a miswired bench shows.
constexpr bool is_drawn_upon(std::string_view milestone) {
  return milestone != "reference" && milestone != "looked_up" && milestone != "tls_failed";
}
/// Milestones that an event brings; silence is none.
constexpr auto milestones = [] {
  constexpr auto count = std::count_if(std::begin(all_milestones), std::end(all_milestones), is_drawn_upon);
  std::array<std::string_view, static_cast<std::size_t>(count)> out;
  std::copy_if(std::begin(all_milestones), std::end(all_milestones), out.begin(), is_drawn_upon);
  return out;
}();
/// All but those for paths in which no message is seen.
std::vector<NetworkFault::Kind> network_faults() {
  std::vector<NetworkFault::Kind> all = {
#define NETWORK_FAULT(name, upon, text) NetworkFault::name,
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  };
  std::erase_if(all, [](NetworkFault::Kind kind) { return NetworkFault{kind}.upon() == NetworkFault::connection; });
  return all;
}
struct PartRow {
  std::string_view part, state;
};
constexpr PartRow part_rows[] = {
#define PART(part, state, section, text) {#part, #state},
#include "rig/parts.def"
#undef PART
};
constexpr PartRow rig_rows[] = {
#define RIG_FAULT(part, state, text) {#part, #state},
#include "rig/rig_faults.def"
#undef RIG_FAULT
};
/// Where most cases come by; most faults fall there.
constexpr std::string_view often[] = {"start",
                                      "card_wanted",
                                      "card_read",
                                      "connected",
                                      "request_entered",
                                      "request_left",
                                      "request_at_host",
                                      "committed",
                                      "response_entered",
                                      "response_left",
                                      "told",
                                      "printed",
                                      "reversal_entered",
                                      "reversal_response_entered",
                                      "settlement_entered",
                                      "settlement_response_entered"};
constexpr std::string_view often_messages[] = {"request_entered", "response_entered", "reversal_entered",
                                               "reversal_response_entered"};
/// Field 39 of a decline: of every class of DOMAIN.md 2.5 but approval.
constexpr std::string_view declines[] = {"01", "03", "04", "05", "06", "09", "12", "13", "14", "15", "19",
                                         "22", "25", "30", "38", "40", "41", "43", "45", "51", "54", "55",
                                         "57", "58", "59", "61", "62", "64", "65", "68", "75", "77", "90",
                                         "91", "92", "94", "96", "97", "98", "99", "A0", "A1", "A7", "Z1"};

/// One throw at a time: what is drawn depends on nothing but how often it was thrown before.
class Dice {
 public:
  explicit Dice(Draws draws) : draws_(draws) {}
  std::int64_t from(std::int64_t least, std::int64_t most) {
    return least + draws_.below(static_cast<std::uint32_t>(most - least + 1));
  }
  bool one_in(std::uint32_t n) { return draws_.below(n) == 0; }
  Duration between(Duration least, Duration most) {
    return least + std::chrono::microseconds(from(0, (most - least) / 1us));
  }
  template <class Rows>
  const auto& of(const Rows& rows) {
    return std::begin(rows)[draws_.below(static_cast<std::uint32_t>(std::size(rows)))];
  }

 private:
  Draws draws_;
};

std::vector<std::string> messages() {
  std::vector<std::string> names;
  for (const std::string_view name : milestones) {
    if (name.ends_with("_entered")) names.emplace_back(name);
  }
  return names;
}

std::string moment(Dice& dice) {
  std::string when(dice.one_in(4) ? dice.of(milestones) : dice.of(often));
  return when == "silence" ? "start" : when;
}

/// At once, within the time that an exchange takes, or within that of a doubt.
Duration a_while(Dice& dice) {
  switch (dice.from(0, 2)) {
    case 0: return 0ns;
    case 1: return dice.between(0ns, 30ms);
    default: return dice.between(0ns, 3s);
  }
}

NetworkFault network_fault(Dice& dice) {
  static const std::vector<NetworkFault::Kind> all = network_faults();
  NetworkFault f;
  f.kind = dice.of(all);
  const auto is = [&](auto... kinds) { return ((f.kind == kinds) || ...); };
  if (f.is_condition()) {
    if (!dice.one_in(2)) f.lasts = dice.between(1ms, 40s);
  } else if (is(NetworkFault::delay)) {
    f.lasts = dice.one_in(2) ? dice.between(1ms, 500ms) : dice.between(1ms, 24s);
  } else if (is(NetworkFault::reorder)) {
    if (!dice.one_in(2)) f.lasts = dice.between(1ms, 24s);
  }
  if (is(NetworkFault::jitter, NetworkFault::accept_slow)) f.wait = dice.between(1ms, 8s);
  if (is(NetworkFault::rate)) f.count = dice.one_in(2) ? dice.from(10, 300) : dice.from(300, 100'000);
  if (is(NetworkFault::cut)) {
    f.count = dice.from(1, 200);
    f.then = static_cast<NetworkFault::Ending>(dice.from(NetworkFault::silence, NetworkFault::broken));
  }
  if (is(NetworkFault::fin, NetworkFault::reset) || f.then != NetworkFault::silence)
    f.side = static_cast<NetworkFault::Side>(dice.from(NetworkFault::both, NetworkFault::host));
  if (is(NetworkFault::alter)) f.what = dice.of(alterations);
  if (f.what == "bit") f.count = dice.from(0, 1600);
  return f;
}

Step network_step(Dice& dice) {
  static const std::vector<std::string> all_messages = messages();
  Step s;
  NetworkFault fault = network_fault(dice);
  if (fault.upon() == NetworkFault::message) {
    s.when = dice.one_in(4) ? dice.of(all_messages) : std::string(dice.of(often_messages));
    s.nth = dice.one_in(4) ? 2 : 1;
  } else {
    s.when = moment(dice);
    s.after = a_while(dice);
  }
  s.action = std::move(fault);
  return s;
}

HostBehaviour host_behaviour(Dice& dice) {
  const HostBehaviourRow& row = dice.of(host_behaviour_rows);
  HostBehaviour b;
  b.name = row.name;
  const bool lasts = row.lasts == HostBehaviourRow::must || (row.lasts == HostBehaviourRow::may && dice.one_in(2));
  if (lasts) b.lasts = dice.between(1ms, 40s);
  const std::string_view codes = row.codes;
  if (codes == "*") {
    b.code = dice.of(declines);
  } else if (!codes.empty() && (b.name == "policy" || dice.one_in(2))) {
    const auto place = static_cast<std::size_t>(dice.from(0, static_cast<std::int64_t>(codes.size()) / 3));
    b.code = codes.substr(place * 3, 2);
  }
  return b;
}

PartState part_state(Dice& dice, const BenchFile& bench) {
  const PartRow& row = dice.of(part_rows);
  PartState s;
  s.part = row.part;
  s.state = row.state;
  if (s.part == "keypad" && dice.one_in(2))
    s.which = std::next(bench.robot.keys.begin(), dice.from(0, std::ssize(bench.robot.keys) - 1))->first;
  if (dice.one_in(2)) s.lasts = dice.between(1ms, 20s);
  return s;
}

Step fault(Dice& dice, const RandomCases& random, const BenchFile& bench) {
  if (random.rig_faults && bench.parts && dice.one_in(8)) {
    const PartRow& row = dice.of(rig_rows);
    Step s{moment(dice), 1, {}, {}};
    s.after = a_while(dice);
    s.action = PartState{std::string(row.part), std::string(row.state)};
    return s;
  }
  const std::int64_t table = dice.from(0, bench.parts ? 7 : 5);
  if (table < 3) return network_step(dice);
  Step s;
  s.when = moment(dice);
  s.after = a_while(dice);
  if (dice.one_in(8)) s.nth = 2;
  if (table < 4) {
    s.action = Supply{false};
  } else if (table < 6) {
    s.action = host_behaviour(dice);
  } else {
    s.action = part_state(dice, bench);
  }
  return s;
}

/// Mostly as a cashier does it.
Swipe swipe(Dice& dice, const BenchFile& bench) {
  Swipe s;
  s.card = std::next(bench.robot.slots.begin(), dice.from(0, std::ssize(bench.robot.slots) - 1))->first;
  s.speed_mm_s = dice.one_in(8) ? dice.from(20, 2500) : dice.from(200, 1200);
  if (!dice.one_in(4)) return s;
  switch (dice.from(0, 6)) {
    case 0: s.reverse = true; break;
    case 1: s.face = dice.one_in(2) ? "back" : "upside_down"; break;
    case 2: s.twice = true; break;
    case 3: s.tilt_mdeg = dice.from(0, 20'000); break;
    case 4: s.from_mm = dice.from(1, 60); break;
    case 5:
      s.stop_mm = dice.from(1, 80);
      s.stop_lasts = dice.between(1ms, 5s);
      break;
    default: s.acceleration_mm_s2 = dice.from(1, 5000); break;
  }
  return s;
}

std::int64_t amount(Dice& dice, bool ordinary) {
  switch (ordinary ? 2 : dice.from(0, 15)) {
    case 0: return dice.from(1, 99);
    case 1: return dice.from(100'000, 999'999'999);
    default: return dice.from(100, 99'999);
  }
}

/// What the customer types where the card has a PIN on this bench: mostly the right one, and not only at once. Of a
/// case that is tried without each of its faults nothing but those may differ: it types the right one.
std::vector<std::string> pins(Dice& dice, const BenchFile& bench, const std::string& card, bool attribute) {
  const auto& known = bench.robot.pins;
  if (!known.contains(card)) return {};
  std::vector<std::string> out;
  if (!attribute && dice.one_in(3)) {
    for (std::int64_t slips = dice.from(1, 3); slips > 0; --slips)
      out.push_back(std::next(known.begin(), dice.from(0, std::ssize(known) - 1))->first);
  }
  if (out.size() < 3 && (attribute || !dice.one_in(12))) out.push_back(card);
  return out;
}

Case attempt(Dice& dice, const std::vector<std::string>& kinds, const RandomCases& random, const BenchFile& bench) {
  Case c;
  c.cause = drawn_cause;
  c.where = random.where;
  const bool sells = dice.one_in(3) && std::find(kinds.begin(), kinds.end(), "sale") != kinds.end();
  c.kind = sells ? "sale" : dice.of(kinds);
  const TransactionKind* kind = kind_named(c.kind);
  const bool about_another = kind != nullptr && !kind->original.empty();
  if (kind != nullptr && (kind->asks_amount || about_another)) c.amount_minor = amount(dice, random.attribute);
  if (about_another && !kind->takes_all && !random.attribute && dice.one_in(2))
    c.original_minor = std::max<std::int64_t>(1, c.amount_minor * dice.from(70, 130) / 100);
  const bool shown = !dice.one_in(40) || random.attribute;
  if (kind != nullptr && kind->asks_card && shown) {
    const Swipe one = swipe(dice, bench);
    c.card = one.card;
    c.steps.push_back({"card_wanted", 1, 0ns, one});
    c.pins = pins(dice, bench, c.card, random.attribute);
  }
  if (random.most_faults == 0 || dice.one_in(10)) return c;
  for (std::int64_t faults = dice.from(1, random.most_faults); faults > 0; --faults)
    c.steps.push_back(fault(dice, random, bench));
  return c;
}

/// What is decided where the campaign file is read, and not on the bench.
bool contradicts_itself(const Case& c) {
  return second_fault_of_one_message(c) != 0 || std::any_of(c.steps.begin(), c.steps.end(), [](const Step& s) {
           const auto* f = std::get_if<NetworkFault>(&s.action);
           return f != nullptr && f->kind == NetworkFault::replay && s.when.find("response_") == std::string::npos;
         });
}

}  // namespace

Case draw_case(const RandomCases& random, const BenchFile& bench, std::uint64_t seed, std::int64_t number) {
  std::vector<std::string> kinds = random.kinds.empty() ? kind_names() : random.kinds;
  std::erase_if(kinds, [&](const std::string& kind) {
    const std::vector<std::string> needed = kinds_done(kind);
    return std::any_of(needed.begin(), needed.end(),
                       [&](const std::string& name) { return keys_of(bench.profile, name).empty(); });
  });
  const auto n = static_cast<std::uint64_t>(number);
  Dice dice(Draws(seed, static_cast<std::uint32_t>(n >> 32), static_cast<std::uint32_t>(n), draw_source));
  for (int tries = 0; tries < most_tries && !kinds.empty(); ++tries) {
    Case c = attempt(dice, kinds, random, bench);
    if (contradicts_itself(c) || !refusal(c, bench).empty()) continue;
    c.name = "drawn " + c.kind + " " + std::to_string(number);
    return c;
  }
  throw ConfigError(random.where + ": no case was drawn that bench \"" + bench.name + "\" can do");
}

}  // namespace swiperig
