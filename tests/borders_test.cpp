// Borders of a sweep: what is done next follows from how places ended, nothing is done twice without need, and a border
// stands only if its sides still differ when done over and over.
#include "rig/borders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "bindings/campaign_file.hpp"
#include "tests/folder.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const auto campaigns = project / "fixtures/campaigns";

/// `coarse` of the places first; `end` says how the n-th cycle at a place ends.
struct Searched {
  std::vector<SweptPlace> places;
  std::int64_t cycles = 0;
};
Searched searched(std::size_t places, std::size_t coarse, std::int64_t repeats,
                  const std::function<std::string(std::size_t place, std::int64_t n)>& end) {
  Searched s;
  for (std::size_t i = 0; i < places; ++i) s.places.push_back({i % coarse == 0, {}});
  for (auto next = next_places(s.places, repeats); !next.empty(); next = next_places(s.places, repeats)) {
    for (const std::size_t i : next) {
      ++s.places[i].ends[end(i, s.places[i].done())];
      ++s.cycles;
    }
    if (s.cycles > 100'000) break;  // it must end by itself
  }
  return s;
}

TEST(Borders, EveryOneIsFoundWhereverItLies) {
  for (std::size_t at = 1; at <= 100; ++at) {
    const Searched s = searched(101, 20, 30, [&](std::size_t place, std::int64_t) { return place < at ? "a" : "b"; });
    const auto found = borders(s.places);
    ASSERT_THAT(found, SizeIs(1)) << at;
    EXPECT_EQ(found[0].before, at - 1);
    EXPECT_EQ(found[0].behind, at);
    EXPECT_TRUE(found[0].differ);
    EXPECT_EQ(s.places[at].done(), 30);
    EXPECT_EQ(s.places[at - 1].done(), 30);
    EXPECT_LE(s.cycles, 6 + 5 + 60) << at;  // coarse, bisected, both sides
  }
}

TEST(Borders, SeveralAreFoundAndOnePlaceBetweenTwoIsDoneOnce) {
  const Searched s = searched(41, 10, 5, [](std::size_t place, std::int64_t) {
    return place < 20 ? "a" : place == 20 ? "b" : place < 33 ? "c" : "d";
  });
  const auto found = borders(s.places);
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_EQ(found[0].behind, 20u);
  EXPECT_EQ(found[1].behind, 21u);
  EXPECT_EQ(found[2].behind, 33u);
  EXPECT_EQ(s.places[20].done(), 5);
}

TEST(Borders, WhereNothingChangesNothingMoreIsDone) {
  const Searched s = searched(41, 10, 30, [](std::size_t, std::int64_t) { return "a"; });
  EXPECT_EQ(s.cycles, 5);
  EXPECT_THAT(borders(s.places), IsEmpty());
}

TEST(Borders, ChanceIsNoBorder) {
  // one in two ends otherwise wherever it is, so that a search finds sides and their repetition says they are alike
  const Searched s = searched(
      41, 10, 30, [](std::size_t place, std::int64_t n) { return (n == 0 ? place >= 20 : n % 2 == 0) ? "a" : "b"; });
  for (const Border& b : borders(s.places)) EXPECT_FALSE(b.differ) << b.before;
  EXPECT_LT(s.cycles, 41 * 30);
}

TEST(Borders, HowACycleEndedIsItsPointItsCauseItsDoubtAndAFailure) {
  Verdict v;
  v.outcome = Outcome::pass;
  v.diagnosis.cause = "power";
  EXPECT_EQ(how_it_ended(v), "power");
  v.points = {"P13", "P19"};
  v.in_doubt = std::chrono::seconds(3);
  EXPECT_EQ(how_it_ended(v), "P13 P19 power, in doubt");
  v.outcome = Outcome::fail;
  EXPECT_EQ(how_it_ended(v), "P13 P19 power, in doubt, fail");
}

std::string cut(const std::string& window) {
  return "schema = 1\nname = \"one\"\n\n[[case]]\nname = \"cut\"\npoint = \"P2 P3\"\namount = \"12.34\"\ncard = "
         "\"debit\"\nswipe = \"500 mm/s\"\ncause = \"power\"\nmust = [\"card_read\"]\n\n[[case.step]]\nwhen = "
         "\"logon_response_left\"\npower = \"off\"\nafter = " +
         window + "\n";
}

TEST(Borders, ACampaignComesToThemByItself) {
  const Folder folder;
  const std::string file =
      folder.write("c.toml", cut(R"({ from = "0 ms", to = "40 ms", by = "1 ms", bisect = "20 ms", repeats = 5 })"));
  const Ran ran = run(folder, "r", {.campaign = file});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_THAT(ran.said, HasSubstr("border of cut: after 28 ms P2 power x5 | after 29 ms P3 power x5"));
  EXPECT_LT(ran.cycles.size(), 41u);
  const Ran again = run(folder, "s", {.campaign = file, .threads = 1});
  EXPECT_EQ(again.head, ran.head);
  EXPECT_THAT(run(folder, "t", {.campaign = file, .seed = 2}).head, Not(ran.head));
}

TEST(Borders, HowManyCyclesASearchTakesIsItsOwn) {
  const Folder folder;
  const std::string file =
      folder.write("c.toml", cut(R"({ from = "0 ms", to = "40 ms", by = "1 ms", bisect = "20 ms", repeats = 5 })"));
  RunOptions options;
  options.campaign = file;
  options.out = folder / "r";
  options.cycles = 3;
  const std::atomic<bool> never_stopped = false;
  EXPECT_THAT([&] { run_campaign(options, never_stopped); },
              testing::ThrowsMessage<ConfigError>(HasSubstr("--cycles cannot be given: it looks for borders")));
}

TEST(Borders, TheShippedSearchFindsThoseOfArmingBookingAndClearing) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = (campaigns / "borders.toml").string()});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  for (const char* sides : {"P2 power x30 | ", "P13 power, in doubt x30 | ", "P14 power, in doubt x30 | ",
                            "P15 power x30 | ", "P10 P19 network, in doubt x30 | "})
    EXPECT_THAT(ran.said, HasSubstr(sides));
  EXPECT_THAT(ran.said, Not(HasSubstr("do not differ")));
}

std::string refused(const std::string& text) {
  const Folder folder;
  try {
    read_campaign(folder.write("c.toml", text));
  } catch (const ConfigError& e) {
    return std::string(e.what()).substr(folder.path().string().size() + 1);
  }
  return "";
}

TEST(Borders, AWindowThatCannotBeMetExactlyIsRefused) {
  EXPECT_EQ(refused(cut(R"({ from = "0 ms", to = "40 ms", by = "1 ms", bisect = "10 ms" })")), "");
  EXPECT_THAT(refused(cut(R"({ from = "0 ms", to = "45 ms", by = "1 ms", bisect = "10 ms" })")),
              HasSubstr("expected from and a whole number of bisect: 40 ms would be the last"));
  EXPECT_THAT(refused(cut(R"({ from = "0 ms", to = "45 ms", by = "2 ms", bisect = "15 ms" })")),
              HasSubstr("expected a whole number of by"));
  EXPECT_THAT(refused(cut(R"({ from = "0 ms", to = "40 ms", by = "1 ms", repeats = 30 })")),
              HasSubstr("unknown key \"repeats\""));
  EXPECT_THAT(refused(cut(R"({ from = "0 ms", to = "40 ms", by = "1 ms", bisect = "10 ms" }
nth = { from = 1, to = 2, by = 1 })")),
              HasSubstr("no other sweep in a case whose border is looked for"));
  EXPECT_THAT(refused("pairs = true\nepoch_cycles = 1\n" +
                      cut(R"({ from = "0 ms", to = "40 ms", by = "1 ms", bisect = "10 ms" })")),
              HasSubstr("neither pairs, wear nor strategies where borders are looked for"));
}

}  // namespace
}  // namespace swiperig
