// Each rule of the diagnosis on a bench that lacks an eye: the causes that are induced one by one and in pairs, seen
// without the terminal's own USB, without camera and printer tap, and without the supply's measurements. What a bench
// cannot see it may call unknown; it never names a wrong cause.
#include <gmock/gmock.h>

#include <algorithm>

#include "rig/diagnose.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

struct Seen {
  int right = 0, unknown = 0;
  int open = 0;  ///< nothing that came back was amiss, and the cause is named as one that this bench cannot rule out
  std::vector<std::string> wrong;
};

struct Causes {
  Scope scope;
  std::vector<CycleRecord> cycles;
};

const Causes& causes() {
  static const Causes all = [] {
    const Folder folder;
    const Ran ran = run(folder, "d", {.campaign = (project / "fixtures/campaigns/causes.toml").string()});
    return Causes{TraceReader(folder / "d/run.trace").run().scope, ran.cycles};
  }();
  return all;
}

using Hidden = bool (*)(const Event&);

Seen without(Hidden hidden, std::initializer_list<const char*> lacks) {
  Scope scope = causes().scope;
  for (const char* source : lacks) scope.sources.erase(source);
  Seen seen;
  for (const CycleRecord& c : causes().cycles) {
    std::vector<Event> events = c.events;
    std::erase_if(events, hidden);
    const Diagnosis d = diagnose(observed(events), scope);
    std::vector<std::string> accepted = c.verdict->causes;
    if (accepted.empty()) accepted = {c.verdict->induced};
    if (d.cause == "unknown") {
      ++seen.unknown;
      EXPECT_FALSE(d.candidates.empty()) << c.case_name << ": " << d.why;
    } else if (std::count(accepted.begin(), accepted.end(), d.cause) == 1) {
      ++seen.right;
    } else if (std::find_first_of(d.open.begin(), d.open.end(), accepted.begin(), accepted.end()) != d.open.end()) {
      EXPECT_EQ(d.cause, "none") << c.case_name << ": " << d.why;
      EXPECT_EQ(d.confidence(), "likely") << c.case_name;
      ++seen.open;
    } else {
      seen.wrong.push_back(c.case_name + ": " + d.cause + ", " + d.why);
    }
  }
  return seen;
}

bool is_usb(const Event& e) {
  const auto* p = std::get_if<Presence>(&e.body);
  return p != nullptr && p->what.starts_with("usb");
}
bool is_shown(const Event& e) {
  const auto* text = std::get_if<Text>(&e.body);
  if (text != nullptr) return text->place == "screen" || text->place == "receipt";
  static constexpr const char* shown[] = {
      "card_wanted",    "idle",       "read_error", "printed",  "printer_failed", "chip_failed", "chip_refused",
      "storage_failed", "over_limit", "clock_lost", "tampered", "gave_up",        "reference"};
  const auto* m = std::get_if<Milestone>(&e.body);
  return m != nullptr && std::find(std::begin(shown), std::end(shown), m->name) != std::end(shown);
}
bool is_measured(const Event& e) { return std::holds_alternative<Reading>(e.body); }
bool nothing(const Event&) { return false; }

TEST(BlindBench, WithEveryEyeOpenAlmostAllIsTold) {
  const Seen seen = without(nothing, {});
  EXPECT_THAT(seen.wrong, testing::IsEmpty());
  EXPECT_LE(seen.unknown, 4);
  EXPECT_EQ(seen.open, 0);
}

TEST(BlindBench, WithoutTheTerminalsUsbNothingWrongIsSaid) {
  const Seen seen = without(is_usb, {"usb"});
  EXPECT_THAT(seen.wrong, testing::IsEmpty());
  EXPECT_GT(seen.unknown, 4) << "who crashed is not seen";
  EXPECT_GT(seen.right, 200);
}

TEST(BlindBench, WithoutCameraAndPrinterTapNothingWrongIsSaid) {
  const Seen seen = without(is_shown, {"screen"});
  EXPECT_THAT(seen.wrong, testing::IsEmpty());
  EXPECT_GT(seen.unknown + seen.open, 4) << "what only the screen says is not seen";
  EXPECT_LE(seen.open, 14);
  EXPECT_GT(seen.right, 150);
}

TEST(BlindBench, WithoutMeasuringTheSupplyNothingWrongIsSaid) {
  const Seen seen = without(is_measured, {"current", "power"});
  EXPECT_THAT(seen.wrong, testing::IsEmpty());
  EXPECT_GT(seen.unknown, 4) << "that the power was gone is not seen";
  EXPECT_GT(seen.right, 200);
}

}  // namespace
}  // namespace swiperig
