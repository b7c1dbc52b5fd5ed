// The campaigns about cards and readers as their user runs them: what is wrong with a card or a hand is told apart, and
// what is measured comes out of the physics, whatever thread computed it.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "rig/trace_file.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;

boost::json::object summary_of(const std::string& directory) {
  return boost::json::parse(read_text(directory + "/summary.json")).as_object();
}

std::string campaign(const char* name) { return (project / "fixtures/campaigns" / name).string(); }

/// Cycles of a case that read, of those that were done.
struct Share {
  int read = 0, done = 0;
};
std::map<std::string, Share> shares_of(const std::string& directory) {
  std::map<std::string, Share> shares;
  const TraceReader trace(directory + "/run.trace");
  trace.for_each([&](const CycleRecord& c) {
    Share& share = shares[c.case_name];
    share.read += c.verdict->measured == true;
    share.done += c.verdict->measured.has_value();
  });
  return shares;
}

TEST(CardCampaign, EveryCardFaultIsToldApart) {
  const Folder folder;
  const Said run = swiperig(folder, {"run", campaign("card_faults.toml"), "--out", "d"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  const auto diagnosis = summary_of(folder / "d").at("diagnosis").as_object();
  EXPECT_EQ(diagnosis.at("right").as_int64(), 40);
  EXPECT_EQ(diagnosis.at("wrong").as_int64() + diagnosis.at("unknown").as_int64(), 0);
  // the twin: a terminal that hangs on a misread gives no hint
  const Said bad =
      swiperig(folder, {"run", campaign("card_faults.toml"), "--defect", "hangs_on_misread", "--out", "h"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_TRUE(summary_of(folder / "h").at("findings").as_object().contains("R_HINT"));
}

/// A folder with the reader's bench and all that it names.
std::string bench_in(const Folder& folder) {
  for (const char* file : {"terminals/fixture.toml", "hosts/unionpay.toml", "hosts/test_keys.toml"}) {
    const auto from = project / "fixtures" / file;
    std::filesystem::copy_file(from, folder / from.filename().string());
  }
  const std::string extended = read_text((project / "fixtures/benches/virtual.toml").string());
  folder.write("virtual.toml", replaced(replaced(extended, "../terminals/", ""), "../hosts/", ""));
  return folder.write("reader.toml", read_text((project / "fixtures/benches/reader.toml").string()));
}

// where nothing is wrong with the card, a case comes to no read error and proves nothing
TEST(CardCampaign, AnEffectThatIsNotThereDoesNotCount) {
  const Folder folder;
  bench_in(folder);
  std::string text = replaced(read_text(campaign("card_faults.toml")), "../benches/", "");
  const char* const cards[] = {"turned", "dirty", "two_cards", "worn_1m",    "cleaning", "dropouts",   "extras",
                               "faint",  "shaky", "scratched", "tilted_far", "erased",   "upside_down"};
  for (const char* card : cards) text = replaced(text, "card = \"" + std::string(card) + "\"", "card = \"debit\"");
  for (const char* way : {", tilt = \"10 deg\"", ", tilt = \"3 deg\"", ", face = \"upside_down\"", ", face = \"back\"",
                          ", lift = \"3 mm\""})
    text = replaced(text, way, "");
  text = replaced(text, "card = \"tilted\"", "card = \"debit\"");
  const Said run = swiperig(folder, {"run", folder.write("sound.toml", text), "--out", "d"});
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_EQ(summary_of(folder / "d").at("outcomes").as_object().at("inconclusive").as_int64(),
            static_cast<int>(2 * (std::size(cards) + 1)));
}

TEST(CardCampaign, ADirtyHeadReadsNoCardSlowlyUntilItIsCleaned) {
  const Folder folder;
  const Said run = swiperig(folder, {"run", campaign("dirty_head.toml"), "--out", "d"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(summary_of(folder / "d").at("diagnosis").as_object().at("right").as_int64(), 10);
}

TEST(CardCampaign, WearAddsUpOverTheSwipesOfARun) {
  const Folder folder;
  const auto causes = [&](const std::string& file, const std::string& out, const char* threads) {
    const Said run = swiperig(folder, {"run", file, "--out", out, "--threads", threads});
    EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
    std::vector<std::string> found;
    const TraceReader trace(folder / out + "/run.trace");
    trace.for_each([&](const CycleRecord& c) { found.push_back(c.verdict->diagnosis.cause); });
    return found;
  };
  const auto worn = causes(campaign("wear.toml"), "d", "2");
  ASSERT_EQ(worn.size(), 50u);
  const auto first = std::find(worn.begin(), worn.end(), "card_reader");
  EXPECT_GT(first - worn.begin(), 10);
  EXPECT_LT(first - worn.begin(), 40);
  for (auto it = first; it != worn.end(); ++it) EXPECT_EQ(*it, "card_reader") << it - worn.begin();
  causes(campaign("wear.toml"), "e", "1");
  EXPECT_EQ(summary_of(folder / "d").at("head"), summary_of(folder / "e").at("head"));
  // the twin: without wear the last swipe is read as the first was
  std::string fresh = read_text(campaign("wear.toml"));
  fresh = replaced(fresh, "[wear]\npasses_per_cycle = 1000\n", "");
  fresh = replaced(fresh, "../benches/", "");
  bench_in(folder);
  for (const std::string& cause : causes(folder.write("fresh.toml", fresh), "f", "2")) EXPECT_EQ(cause, "none");
}

TEST(CardCampaign, TheReaderCurveFollowsSpeedAccelerationDirectionAndWear) {
  const Folder folder;
  const std::string cycles = std::to_string(64 * 10);
  const Said run = swiperig(folder, {"run", campaign("reader_curve.toml"), "--cycles", cycles, "--out", "d"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  const auto shares = shares_of(folder / "d");
  EXPECT_EQ(shares.size(), 64u);
  for (const auto& [name, share] : shares) EXPECT_EQ(share.done, 10) << name;
  const auto read = [&](const char* name) { return shares.at(name).read; };
  for (const char* name : {"forward, 76 mm/s", "forward, 600 mm/s", "forward, 1524 mm/s", "from 100 mm/s, 1000 mm/s2",
                           "at 500 mm/s, debit", "at 80 mm/s, worn_50k", "reader at 150 mm/s, 2000000 passes",
                           "density, at 1600 mm/s, sparse"}) {
    EXPECT_EQ(read(name), 10) << name;
  }
  for (const char* name :
       {"forward, 40 mm/s", "forward, 2000 mm/s", "the wrong way round, 300 mm/s", "from 100 mm/s, 15000 mm/s2",
        "at 500 mm/s, worn_1m", "at 80 mm/s, worn_400k", "reader at 150 mm/s, 4000000 passes",
        "reader at 80 mm/s, 2000000 passes", "density, at 1600 mm/s, dense"}) {
    EXPECT_EQ(read(name), 0) << name;
  }
  const auto summary = summary_of(folder / "d");
  EXPECT_EQ(summary.at("outcomes").as_object().at("pass").as_int64(), 640);
  const auto diagnosis = summary.at("diagnosis").as_object();
  for (const auto& member : diagnosis) EXPECT_EQ(member.value().as_int64(), 0) << member.key();
  EXPECT_THAT(read_text(folder / "d/report.html"), HasSubstr("<svg class=\"curve\""));
  // one seed, one head
  const Said again =
      swiperig(folder, {"run", campaign("reader_curve.toml"), "--cycles", cycles, "--out", "e", "--threads", "1"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(summary_of(folder / "e").at("head"), summary.at("head"));
  EXPECT_EQ(swiperig(folder, {"judge", "d"}).exit_code, 0);
}

TEST(CardCampaign, FluxOfACardThatIsNotThereIsRefused) {
  const Folder folder;
  EXPECT_EQ(swiperig(folder, {"flux", "debit", "--passes", "2"}).exit_code, 0);
  const Said gone = swiperig(folder, {"flux", "gold"});
  EXPECT_EQ(gone.exit_code, 2);
  EXPECT_THAT(gone.err, HasSubstr("no stand-in card is called \"gold\""));
}

}  // namespace
}  // namespace swiperig
