// Every value of every switch of a terminal's and a host's profile (DOMAIN.md 2.11), with an honest terminal at every
// point of a sale: no rule is broken, no cause is told wrongly, and what proves nothing there is written down here.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "bindings/assembly.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/epochs.hpp"
#include "bindings/host_file.hpp"
#include "rig/verdict.hpp"
#include "tests/folder.hpp"

namespace swiperig {
namespace {

struct Switch {
  const char *name, *file, *from, *to;
  std::set<std::string> inapplicable = {};  ///< cases that need what this profile has not
  friend void PrintTo(const Switch& s, std::ostream* out) { *out << s.name; }
};

// a connection that is open is dialled by nobody
const std::set<std::string> dialled = {"P3 no SYN-ACK for the sale, then power cut",
                                       "P4 no SYN-ACK",
                                       "P4 carrier off",
                                       "P4 refused on the way",
                                       "P4 no address for the host's name",
                                       "P4 reset as soon as connected",
                                       "P4 connection of the sale refused, not of the logon",
                                       "P4 connection of the sale reset as soon as made",
                                       "P4 server down"};

constexpr const char* fixture = "terminals/fixture.toml";
constexpr const char* unionpay = "hosts/unionpay.toml";
constexpr const char* e_signature = "e_signature = false";

const std::vector<Switch> switches = {
    {"as_shipped", fixture, "", ""},
    {"answer_timeout_12", fixture, "answer_timeout = \"10 s\"", "answer_timeout = \"12 s\""},
    {"reverses_at_once", "terminals/at_once.toml", "", ""},
    {"reverses_by_itself", "terminals/store_and_forward.toml", "", ""},
    {"one_try", fixture, "reversal_tries = 3", "reversal_tries = 1"},
    {"nine_tries", fixture, "reversal_tries = 3", "reversal_tries = 9"},
    {"endless_tries", fixture, "reversal_tries = 3", "reversal_tries = \"endless\""},
    {"clears_and_reports", fixture, "after_last_try = \"keep\"", "after_last_try = \"clear_and_report\""},
    {"reverses_host_timeouts", fixture, "reverses_host_timeouts = false", "reverses_host_timeouts = true"},
    {"secrets_in_reversal", fixture, "secrets_in_reversal = \"forbidden\"", "secrets_in_reversal = \"allowed\""},
    {"stan_advances", fixture, "reversal_stan = \"original\"", "reversal_stan = \"advances\""},
    {"kept_open", fixture, "connection = \"per_transaction\"", "connection = \"kept_open\"", dialled},
    {"completion_limit", fixture, "completion_limit_percent = 115", "completion_limit_percent = 200"},
    {"e_signature", fixture, e_signature, "e_signature = true"},
    {"small_batch", fixture, "largest_batch = 500", "largest_batch = 50"},
    {"large_batch", fixture, "largest_batch = 500", "largest_batch = 2000"},
    {"unprinted_is_reversed", fixture, "unprinted_sale = \"stands\"", "unprinted_sale = \"is_reversed\""},
    {"bidirectional", fixture, "bidirectional = false", "bidirectional = true", {"P1 swiped the wrong way"}},
    {"fallback_80", fixture, "fallback_entry = \"02\"", "fallback_entry = \"80\""},
    {"logs_on_at_once", fixture, e_signature, "relogon = \"at_once\""},
    {"spare_journal", fixture, e_signature, "journal_area = \"with_a_spare\""},
    {"update_mends", fixture, e_signature, "update_mends = \"hangs\""},
    {"dials_three_times", fixture, e_signature, "connect_tries = 3"},
    {"plain", "hosts/plain.toml", "", "", {"P12 response with a wrong MAC"}},
    {"x9_19", "hosts/x9_19.toml", "", ""},
    {"dukpt", "hosts/dukpt.toml", "", ""},
    {"sm4", "hosts/sm4.toml", "", ""},
    {"one_message", unionpay, "connection = \"kept_open\"", "connection = \"one_message\""},
    {"bare_keys", unionpay, "layout = \"filled\"", "layout = \"bare\""},
    {"single_keys", unionpay, "sign_in = \"003\"", "sign_in = \"001\""},
    {"issuer_silent_68", unionpay, "issuer_silent = \"98\"", "issuer_silent = \"68\""},
    {"issuer_silent_91", unionpay, "issuer_silent = \"98\"", "issuer_silent = \"91\""},
    {"maintenance_90", unionpay, "maintenance = \"96\"", "maintenance = \"90\""},
    {"repeated_94", unionpay, "repeated = \"stored\"", "repeated = \"94\""},
    {"not_found_00", unionpay, "not_found = \"25\"", "not_found = \"00\""},
    {"not_found_12", unionpay, "not_found = \"25\"", "not_found = \"12\""},
    {"declined_00", unionpay, "of_declined = \"12\"", "of_declined = \"00\""},
    {"by_content_25", unionpay, "# by_content = \"25\"", "by_content = \"25\""},
    {"by_content_64", unionpay, "# by_content = \"25\"", "by_content = \"64\""},
    {"refuses_secrets", unionpay, "refuses_secrets = false", "refuses_secrets = true"},
    {"no_swap", unionpay, "tpdu_swap = true", "tpdu_swap = false"},
    {"length_with_itself", unionpay, "length_prefix = \"binary\"", "length_prefix = \"binary_with_itself\""},
    {"length_bcd", unionpay, "length_prefix = \"binary\"", "length_prefix = \"bcd\""},
    {"length_ascii", unionpay, "length_prefix = \"binary\"", "length_prefix = \"ascii\""},
    {"no_header", unionpay, "header_bytes = 6", "header_bytes = 0"},
    {"maintenance_notice",
     unionpay,
     "connection = \"kept_open\"",
     "connection = \"kept_open\"\nmaintenance_notice = true",
     {"P8 host silent"}},
};

/// The campaign's cases; of each sweep the first, the one in the middle and the last.
std::vector<Case> cases() {
  const Campaign all = read_campaign((project / "fixtures/campaigns/points.toml").string());
  std::map<std::string, std::vector<std::size_t>> sweeps;
  for (std::size_t i = 0; i < all.cases.size(); ++i) sweeps[all.cases[i].sweep.series].push_back(i);
  std::vector<Case> some;
  for (std::size_t i = 0; i < all.cases.size(); ++i) {
    const Case& c = all.cases[i];
    const auto& places = sweeps[c.sweep.series];
    const auto at = std::find(places.begin(), places.end(), i) - places.begin();
    const auto last = std::ssize(places) - 1;
    if (c.sweep.series.empty() || at == 0 || at == last / 2 || at == last) some.push_back(c);
  }
  return some;
}

class SwitchTest : public testing::TestWithParam<Switch> {};

/// A bench whose terminal or host has this switch.
BenchFile bench_with(const Switch& one, const Folder& folder) {
  std::string text = read_text((project / "fixtures" / one.file).string());
  if (*one.from != '\0') text = replaced(text, one.from, one.to);
  for (const auto& entry : std::filesystem::directory_iterator(project / "fixtures/hosts")) {
    const std::string name = entry.path().filename().string();
    if (name.find("keys") != std::string::npos) std::filesystem::copy_file(entry.path(), folder / name);
  }
  const bool host = std::string_view(one.file).starts_with("hosts/");
  const std::string file = folder.write("tried.toml", text);
  BenchFile bench = read_bench((project / "fixtures/benches/virtual.toml").string(), host ? "" : file);
  if (host) read_host_profile(file, bench);
  return bench;
}

std::vector<CycleRecord> run(const BenchFile& bench, const std::set<std::string>& defects) {
  const std::vector<Case> all = cases();
  Plan plan{bench, defects, 1, std::ssize(all), 20, {}};
  plan.at = [&](std::int64_t cycle, const DrawPlace&) { return all[static_cast<std::size_t>(cycle)]; };
  std::vector<CycleRecord> done;
  run_epochs(
      plan, 2, [] { return false; },
      [&](EpochRecord epoch) {
        for (CycleRecord& c : epoch.cycles) done.push_back(std::move(c));
      });
  EXPECT_EQ(done.size(), all.size());
  return done;
}

TEST_P(SwitchTest, AnHonestTerminalIsNeverAccusedAndNoCauseIsToldWrongly) {
  const Folder folder;
  std::set<std::string> proved_nothing;
  for (const CycleRecord& c : run(bench_with(GetParam(), folder), {})) {
    ASSERT_TRUE(c.verdict) << c.case_name;
    const Verdict& v = *c.verdict;
    for (const Finding& f : v.findings) ADD_FAILURE() << c.case_name << ": " << f.rule << ", " << f.what;
    EXPECT_NE(v.outcome, Outcome::error) << c.case_name << ": " << v.why;
    const bool counts = v.outcome != Outcome::inconclusive;
    if (!counts) proved_nothing.insert(c.case_name);
    const auto& maybe = v.diagnosis.candidates;
    const bool undecided =
        v.diagnosis.cause == "unknown" && (!counts || std::find(maybe.begin(), maybe.end(), v.induced) != maybe.end());
    const bool nothing = !counts && v.diagnosis.cause == "none";  // nor was anything induced
    EXPECT_TRUE(undecided || nothing || v.diagnosis.cause == v.induced)
        << c.case_name << ": " << v.induced << " told as " << v.diagnosis.cause << ", " << v.diagnosis.why;
  }
  EXPECT_EQ(proved_nothing, GetParam().inapplicable);
}

// the twin: what is let pass for a switch hides no defect
TEST(SwitchDefect, IsFoundWhateverTheSwitches) {
  const std::pair<const char*, const char*> rows[] = {{"kept_open", "accepts_wrong_mac"},
                                                      {"kept_open", "forgets_reversal_after_power_loss"},
                                                      {"unprinted_is_reversed", "sells_before_reversal"},
                                                      {"plain", "accepts_other_amount"},
                                                      {"plain", "accepts_foreign_stan"}};
  const std::map<std::string, std::string> rules = {
#define DEFECT(name, rule, text) {#name, #rule},
#define PART_DEFECT DEFECT
#include "fixtures/defects.def"
#undef PART_DEFECT
#undef DEFECT
  };
  for (const auto& [name, defect] : rows) {
    const Folder folder;
    const auto one = std::find_if(switches.begin(), switches.end(),
                                  [&](const Switch& s) { return s.name == std::string_view(name); });
    std::set<std::string> found;
    for (const CycleRecord& c : run(bench_with(*one, folder), {defect})) {
      for (const Finding& f : c.verdict->findings) found.insert(f.rule);
    }
    EXPECT_TRUE(found.contains(rules.at(defect))) << name << ", " << defect;
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, SwitchTest, testing::ValuesIn(switches),
                         [](const testing::TestParamInfo<Switch>& s) { return std::string(s.param.name); });

}  // namespace
}  // namespace swiperig
