#include "bindings/by_hand_words.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "bindings/bench_file.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "bindings/held_card_options.hpp"
#include "bindings/sweep.hpp"
#include "bindings/swipe_options.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

/// A step whose moment is now.
StepAction action_of(const Value& said) {
  std::map<std::string, Value> words = said.table().all();
  if (const auto power = words.find("power"); power != words.end()) {
    if (power->second.word({"off", "on"}) == "on") {
      if (words.size() != 1) said.refuse("power = \"on\" alone");
      return Supply{true};
    }
  }
  const Place nowhere;
  if (const auto when = words.find("when"); when != words.end()) when->second.refuse("no when: it is done now");
  words.emplace("when", Value(std::string("start"), nowhere));
  for (const char* key : {"after", "nth"}) {
    if (const auto at = words.find(key); at != words.end()) at->second.refuse("it is done now, and once");
  }
  const Value step(std::make_shared<Table>(std::move(words), nowhere), nowhere);
  return read_step(step).action;
}

ByHand read(const Value& said) {
  const Table& t = said.table();
  const Value* card = t.find("card");
  Sweeps sweeps;
  std::optional<ByHand> what;
  if (const Value* wait = t.find("wait")) {
    Pause pause{wait->duration(1us, 3600s)};
    if (const Value* until = t.find("until")) pause.milestone = until->word(milestone_names());
    what = pause;
  } else if (const Value* mend = t.find("mend")) {
    if (!mend->flag()) mend->refuse("true");
    what = Mend{};
  } else if (const Value* swipe = t.find("swipe")) {
    if (card == nullptr) swipe->refuse("card = \"...\" with swipe: its slot");
    what = StepAction(read_swipes(*card, *swipe, nullptr, nullptr).front().swipe);
  } else if (const Value* dip = t.find("dip")) {
    if (card == nullptr) dip->refuse("card = \"...\" with dip: its slot");
    what = StepAction(read_dip(*dip, card->text(), sweeps));
  } else if (const Value* tap = t.find("tap")) {
    if (card == nullptr) tap->refuse("card = \"...\" with tap: its slot");
    what = StepAction(read_tap(*tap, card->text(), sweeps));
  } else if (const Value* power = t.find("power"); power != nullptr && power->is_text() && power->text() == "read") {
    what = LookAtRail{};
  }
  if (!what) return action_of(said);
  t.nothing_else();
  if (!sweeps.empty()) said.refuse("one value of each: what is done by hand is not swept");
  return std::move(*what);
}

}  // namespace

ByHand read_by_hand(const Value& said, const BenchFile& bench) {
  ByHand what = read(said);
  Case c;
  if (const auto* action = std::get_if<StepAction>(&what)) c.steps.push_back({"start", 1, 0ns, *action});
  if (const auto* pause = std::get_if<Pause>(&what); pause != nullptr && !pause->milestone.empty()) {
    c.must.push_back(pause->milestone);
  }
  if (const std::string why = refusal(c, bench); !why.empty()) {
    throw ConfigError(said.where() + ": cannot be done on bench \"" + bench.name + "\": " + why);
  }
  return what;
}

}  // namespace swiperig
