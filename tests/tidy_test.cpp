// Style is a test: include arrows, one home for clocks, for randomness and for each third-party package, names and
// lengths. The checker is a pure function of a file's path and text, so that every rule is also fed a text that breaks
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "bindings/places.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

constexpr std::size_t longest_file = 500;
constexpr std::size_t longest_line = 120;

const std::map<std::string, std::set<std::string>> arrows = {
    {"rig", {"rig"}},
    {"drivers", {"rig", "drivers"}},
    {"fixtures", {"rig", "fixtures"}},
    {"reports", {"rig", "reports"}},
    {"bindings", {"rig", "drivers", "fixtures", "reports", "bindings"}},
    {"tests", {"rig", "drivers", "fixtures", "reports", "bindings", "tests"}},
};

/// Files of rig that are data and functions of data: they know neither Asio nor a clock, not even by way of a header.
const std::set<std::string> pure = {"event",
                                    "points",
                                    "case",
                                    "drawn",
                                    "trace",
                                    "transaction",
                                    "reconcile",
                                    "diagnose",
                                    "verdict",
                                    "track",
                                    "f2f",
                                    "path",
                                    "wire",
                                    "mac",
                                    "mask",
                                    "digest",
                                    "seal",
                                    "bytes",
                                    "time",
                                    "random",
                                    "profile",
                                    "alter",
                                    "reception",
                                    "path_faults",
                                    "iso8583",
                                    "iso8583_frame",
                                    "close",
                                    "text_rule",
                                    "verdict_json",
                                    "parts_seen",
                                    "part_rules",
                                    "diagnose_parts",
                                    "rule_out",
                                    "contradiction",
                                    "mac_cipher",
                                    "mac_dukpt",
                                    "host_behaviour",
                                    "transaction_kinds",
                                    "attempt_facts",
                                    "host_rules",
                                    "conduct",
                                    "cycle_steps",
                                    "tap",
                                    "masked_stream",
                                    "framed_stream",
                                    "ecr_framing",
                                    "ecr_words",
                                    "zvt",
                                    "masked_frame",
                                    "statistics",
                                    "effect",
                                    "cause_pairs",
                                    "standing",
                                    "cycle_books"};

struct Package {
  const char* include;  ///< how its headers begin
  std::vector<const char*> homes;
};
const std::vector<Package> packages = {
    {"sqlite3.h", {"rig/trace_file", "rig/trace_open", "rig/trace_statement"}},
    {"openssl/", {"rig/mac", "rig/digest", "rig/seal", "drivers/link_tls", "drivers/tls_ca"}},
    {"libusb.h", {"drivers/usb_"}},
    {"toml++/", {"bindings/"}},
    {"toml.hpp", {"bindings/"}},
    {"CLI/", {"bindings/"}},
    {"boost/asio", {"rig/", "drivers/", "fixtures/", "bindings/"}},
    {"boost/json", {"rig/", "drivers/", "fixtures/", "reports/", "bindings/"}},
    {"boost/beast", {"reports/"}},
    {"boost/math", {"rig/statistics"}},
    {"zmq", {"reports/"}},
    {"pybind11/", {"bindings/python/"}},
    {"gtest/", {}},
    {"gmock/", {}},
    {"sys/", {"drivers/", "fixtures/", "bindings/", "reports/door"}},
    {"unistd.h", {"drivers/", "fixtures/", "bindings/"}},
    {"fcntl.h", {"drivers/", "fixtures/", "bindings/"}},
    {"termios.h", {"drivers/", "fixtures/", "bindings/"}},
    {"linux/", {"drivers/", "reports/door"}},
    {"netinet/", {"drivers/", "fixtures/", "bindings/"}},
    {"pthread.h", {}},
    {"random", {"rig/random"}},
    {"ctime", {"rig/clock"}},
    {"time.h", {"rig/clock"}},
};

struct Token {
  const char* pattern;
  const char* what;
  const char* home;  ///< "": nowhere
};
const std::vector<Token> tokens = {
    {R"(\b(system_clock|steady_clock|high_resolution_clock|gettimeofday|clock_gettime)\b)", "a clock", "rig/clock."},
    {R"(\b(nanosleep|usleep|timerfd_create)\b)", "a clock", "rig/clock."},
    {R"((^|[^\w.>:])(std::|::)?(time|sleep)\s*\(\s*(0|nullptr|NULL|&|\d))", "a clock", "rig/clock."},
    {R"((^|[^\w])::sleep\s*\()", "a clock", "rig/clock."},
    {R"(\b(steady_timer|system_timer|deadline_timer|high_resolution_timer)\b)", "an Asio timer", "rig/clock."},
    {R"(\bthis_thread\b)", "a thread that sleeps", "rig/clock."},
    {R"(\b(mt19937\w*|minstd_rand\w*|random_device|getrandom|arc4random\w*|drand48|default_random_engine)\b)",
     "randomness", "rig/random."},
    {R"((^|[^\w.>])s?rand\s*\()", "randomness", "rig/random."},
    {R"(\b\w+_distribution\b)", "randomness", "rig/random."},
    {R"(\bdetached\b)", "something detached", ""},
};

const std::set<std::string> vague = {"manager", "helper", "helpers", "util", "utils", "handler", "handlers",
                                     "common",  "base",   "impl",    "data", "info",  "core",    "misc"};

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

bool one_of(std::string_view extension, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), extension) != all.end();
}

std::string folder_of(const std::string& path) {
  const auto slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

/// The same lines with comments and the contents of literals blanked.
std::string code_only(const std::string& text) {
  enum { code, line_comment, block_comment, string, character, raw } in = code;
  std::string out = text, raw_end;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\n') {
      if (in == line_comment) in = code;
      continue;
    }
    if (in == code) {
      const bool after_word = i > 0 && (std::isalnum(static_cast<unsigned char>(text[i - 1])) || text[i - 1] == '_');
      if (c == '/' && next == '/')
        in = line_comment;
      else if (c == '/' && next == '*')
        in = block_comment;
      else if (c == '"' && i > 0 && text[i - 1] == 'R') {
        in = raw;
        raw_end = ")" + text.substr(i + 1, text.find('(', i) - i - 1) + "\"";
      } else if (c == '"')
        in = string;
      else if (c == '\'' && !after_word)
        in = character;
      if (in != line_comment && in != block_comment) continue;
    }
    out[i] = ' ';
    if (in == block_comment && c == '*' && next == '/')
      out[++i] = ' ', in = code;
    else if ((in == string || in == character) && c == '\\') {
      if (next != '\n') out[++i] = ' ';
    } else if ((in == string && c == '"') || (in == character && c == '\''))
      out[i] = c, in = code;
    else if (in == raw && text.compare(i, raw_end.size(), raw_end) == 0)
      i += raw_end.size() - 1, in = code;
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::size_t characters(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void check_include(const std::string& path, const std::string& line, std::vector<std::string>& out) {
  static const std::regex include(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::smatch m;
  if (!std::regex_search(line, m, include)) return;
  const std::string name = m[2], folder = folder_of(path), stem = fs::path(path).stem().string();
  const bool is_pure = folder == "rig" && pure.contains(stem);
  if (m[1] == "\"") {
    if (name == "trace.sql.inc" && begins(path, "rig/trace_open")) return;
    const auto allowed = arrows.find(folder);
    const std::string target = folder_of(name);
    if (allowed != arrows.end() && !allowed->second.contains(target)) {
      out.push_back("wrong arrow: " + folder + " includes " + name);
    }
    if (is_pure && target == "rig" && name.ends_with(".hpp") && !pure.contains(fs::path(name).stem().string())) {
      out.push_back("pure file includes " + name);
    }
    return;
  }
  if (is_pure && begins(name, "boost/asio")) out.push_back("pure file includes " + name);
  if (folder == "tests") return;
  for (const Package& p : packages) {
    const std::string_view prefix = p.include;
    const bool its =
        prefix.ends_with('/') || begins(prefix, "boost/") || prefix == "zmq" ? begins(name, prefix) : name == prefix;
    if (its && std::none_of(p.homes.begin(), p.homes.end(), [&](const char* home) { return begins(path, home); })) {
      out.push_back("package outside its home: " + name);
    }
  }
}

/// What is wrong with a file of the project, one sentence each, with line numbers; empty: nothing.
std::vector<std::string> complaints(const std::string& path, const std::string& text) {
  std::vector<std::string> out;
  const std::string extension = fs::path(path).extension().string(), folder = folder_of(path);
  const bool cpp = one_of(extension, {".cpp", ".hpp", ".def"});
  const bool product = arrows.contains(folder) && folder != "tests";

  static const std::regex word("[A-Za-z]+");
  const std::string name = fs::path(path).filename().string();
  for (std::sregex_iterator it(name.begin(), name.end(), word), end; it != end; ++it) {
    if (name == "_core.pyi") break;  // Python's name for the compiled half of a package
    if (vague.contains(it->str())) out.push_back(path + ": a name that says nothing: " + it->str());
  }

  const auto add = [&](std::size_t line, const std::string& what) {
    out.push_back(path + ":" + std::to_string(line + 1) + ": " + what);
  };
  const auto lines = lines_of(text);
  static const std::regex machine_path(R"((^|[^A-Za-z0-9_.{}/-])/(work|home|root)/)");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (std::regex_search(lines[i], machine_path)) add(i, "a path of one machine");
  }
  if (!cpp && extension != ".py") return out;

  if (lines.size() > longest_file) add(lines.size() - 1, "a file of " + std::to_string(lines.size()) + " lines");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (characters(lines[i]) > longest_line)
      add(i, "a line of " + std::to_string(characters(lines[i])) + " characters");
  }
  if (!cpp) return out;

  static const std::vector<std::regex> patterns = [] {
    std::vector<std::regex> all;
    for (const Token& t : tokens) all.emplace_back(t.pattern);
    return all;
  }();
  const auto code = lines_of(code_only(text));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> of_line;
    check_include(path, lines[i], of_line);
    for (std::size_t t = 0; product && t < tokens.size(); ++t) {
      if (*tokens[t].home != '\0' && begins(path, tokens[t].home)) continue;
      if (begins(code[i], "#include") || !std::regex_search(code[i], patterns[t])) continue;
      of_line.push_back(std::string(tokens[t].what) + " outside " +
                        (*tokens[t].home == '\0' ? "nowhere" : tokens[t].home));
    }
    for (const auto& what : of_line) add(i, what);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> project_files() {
  const fs::path root = source_dir;
  std::vector<std::pair<std::string, std::string>> files;
  for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory()) {
      if (name == "build" || name == "runs" || name == ".git" || name == "__pycache__") it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || name == ".git" || name.ends_with(".pyc")) continue;
    std::ifstream in(it->path(), std::ios::binary);
    files.emplace_back(it->path().lexically_relative(root).generic_string(),
                       std::string(std::istreambuf_iterator<char>(in), {}));
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Tidy, TheProjectKeepsItsRules) {
  const auto files = project_files();
  std::size_t cpp = 0;
  for (const auto& [path, text] : files) {
    cpp += path.ends_with(".cpp");
    for (const auto& what : complaints(path, text)) ADD_FAILURE() << what;
  }
  EXPECT_GT(cpp, 30u) << "the walk did not find the project";
}

struct Bad {
  const char* path;
  std::string text;
  const char* complaint;
};
class TidyTwin : public testing::TestWithParam<Bad> {};

TEST_P(TidyTwin, IsReportedAtItsLine) {
  const Bad& bad = GetParam();
  EXPECT_THAT(complaints(bad.path, "\n" + bad.text + "\n"),
              Contains(AllOf(HasSubstr(bad.complaint), HasSubstr(bad.path), HasSubstr(":2: "))));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, TidyTwin,
    testing::Values(Bad{"rig/cycle.cpp", "#include \"drivers/relay.hpp\"", "wrong arrow"},
                    Bad{"rig/cycle.cpp", "#include \"reports/summary.hpp\"", "wrong arrow"},
                    Bad{"drivers/relay.cpp", "#include \"fixtures/pipe.hpp\"", "wrong arrow"},
                    Bad{"fixtures/host.cpp", "#include \"drivers/relay.hpp\"", "wrong arrow"},
                    Bad{"reports/summary.cpp", "#include \"bindings/config.hpp\"", "wrong arrow"},
                    Bad{"reports/summary.cpp", "#  include \"drivers/relay.hpp\"", "wrong arrow"},
                    Bad{"bindings/run.cpp", "#include \"tests/run.hpp\"", "wrong arrow"},
                    Bad{"drivers/relay.cpp", "#include \"relay.hpp\"", "wrong arrow"},
                    Bad{"rig/path.hpp", "#include <boost/asio/awaitable.hpp>", "pure file"},
                    Bad{"rig/path.hpp", "#include \"rig/link.hpp\"", "pure file"},
                    Bad{"rig/iso8583.cpp", "#include \"rig/clock.hpp\"", "pure file"},
                    Bad{"rig/verdict.cpp", "#include <sqlite3.h>", "package outside its home"},
                    Bad{"bindings/run.cpp", "#include <sqlite3.h>", "package outside its home"},
                    Bad{"fixtures/card.cpp", "#include <openssl/evp.h>", "package outside its home"},
                    Bad{"drivers/relay.cpp", "#include <openssl/ssl.h>", "package outside its home"},
                    Bad{"rig/profile.cpp", "#include <toml++/toml.h>", "package outside its home"},
                    Bad{"drivers/relay.cpp", "#include <libusb.h>", "package outside its home"},
                    Bad{"rig/profile.cpp", "#include <CLI/CLI.hpp>", "package outside its home"},
                    Bad{"reports/summary.cpp", "#include <boost/asio/post.hpp>", "package outside its home"},
                    Bad{"bindings/run.cpp", "#include <pybind11/pybind11.h>", "package outside its home"},
                    Bad{"bindings/run.cpp", "#include <zmq.hpp>", "package outside its home"},
                    Bad{"rig/cycle.cpp", "#include <gtest/gtest.h>", "package outside its home"},
                    Bad{"rig/cycle.cpp", "#include <sys/socket.h>", "package outside its home"},
                    Bad{"fixtures/card.cpp", "#include <random>", "package outside its home"},
                    Bad{"fixtures/card.cpp", "auto t = std::chrono::system_clock::now();", "a clock"},
                    Bad{"rig/cycle.cpp", "auto t = steady_clock::now();", "a clock"},
                    Bad{"drivers/relay.cpp", "const auto t = time(nullptr);", "a clock"},
                    Bad{"drivers/relay.cpp", "x = std::time(0);", "a clock"},
                    Bad{"drivers/relay.cpp", "gettimeofday(&tv, nullptr);", "a clock"},
                    Bad{"drivers/relay.cpp", "clock_gettime(CLOCK_MONOTONIC, &ts);", "a clock"},
                    Bad{"drivers/relay.cpp", "usleep(10);", "a clock"},
                    Bad{"drivers/relay.cpp", "  sleep(1);", "a clock"},
                    Bad{"drivers/relay.cpp", "  ::sleep(n);", "a clock"},
                    Bad{"bindings/run.cpp", "boost::asio::steady_timer t(io);", "an Asio timer"},
                    Bad{"bindings/run.cpp", "std::this_thread::yield();", "a thread that sleeps"},
                    Bad{"fixtures/card.cpp", "std::mt19937 g;", "randomness"},
                    Bad{"fixtures/card.cpp", "x = rand() % 3;", "randomness"},
                    Bad{"fixtures/card.cpp", "std::random_device d;", "randomness"},
                    Bad{"fixtures/card.cpp", "getrandom(buf, 4, 0);", "randomness"},
                    Bad{"fixtures/card.cpp", "std::normal_distribution<> d;", "randomness"},
                    Bad{"rig/clock.cpp", "co_spawn(io, f(), asio::detached);", "detached"},
                    Bad{"rig/case.cpp", std::string(121, 'x'), "a line of 121"},
                    Bad{"reports/report.py", std::string(121, 'x'), "a line of 121"},
                    Bad{"README.md",
                        "see /wor"
                        "k/main/rig",
                        "a path of one machine"},
                    Bad{"tests/run",
                        "cd \"/hom"
                        "e/me/swiperig\"",
                        "a path of one machine"},
                    Bad{"fixtures/benches/virtual.toml",
                        "key = \"/roo"
                        "t/keys\"",
                        "a path of one machine"}));

TEST(Tidy, ReportsLongFiles) {
  std::string text;
  for (int i = 0; i < 501; ++i) text += "x\n";
  EXPECT_THAT(complaints("rig/case.cpp", text), Contains(HasSubstr("a file of 501 lines")));
  EXPECT_THAT(complaints("reports/report.py", text), Contains(HasSubstr("a file of 501 lines")));
  EXPECT_THAT(complaints("rig/case.cpp", text.substr(2)), IsEmpty());
}

TEST(Tidy, ReportsNamesThatSayNothing) {
  for (const char* path :
       {"rig/event_manager.hpp", "drivers/helper.cpp", "rig/util.hpp", "rig/io_handler.cpp", "rig/common.hpp",
        "rig/base.hpp", "rig/link_impl.cpp", "fixtures/data.toml", "rig/info.hpp"}) {
    EXPECT_THAT(complaints(path, "x\n"), Contains(HasSubstr("a name that says nothing"))) << path;
  }
  EXPECT_THAT(complaints("rig/database.hpp", "x\n"), IsEmpty());
}

TEST(Tidy, LeavesHonestTextAlone) {
  const std::pair<const char*, const char*> honest[] = {
      {"rig/cycle.cpp", "// nothing detached, no system_clock, no rand()"},
      {"rig/cycle.cpp", "#include \"rig/clock.hpp\""},
      {"rig/cycle.cpp", "fail(\"sleep(1) and std::mt19937\");"},
      {"rig/cycle.cpp", "/* std::mt19937\n usleep(1) */ int big = 1'000'000; // ' rand()"},
      {"rig/cycle.cpp", "auto t = R\"sql(usleep(1) \" rand() )sql\";"},
      {"rig/clock.cpp", "return steady_clock::now();"},
      {"rig/trace_open.cpp", "#include \"trace.sql.inc\"\n#include <sqlite3.h>"},
      {"rig/mac.cpp", "#include <openssl/evp.h>"},
      {"drivers/link_tls.cpp", "#include <openssl/ssl.h>"},
      {"rig/random.hpp", "// counter-based, not std::mt19937"},
      {"fixtures/host.cpp", "Task<bool> Host::sleep(Connection& with, Duration lasts) {"},
      {"fixtures/host.cpp", "awake = co_await sleep(with, lasts); d = bench_time(); t = reader.time();"},
      {"bindings/run.cpp", "#include <toml++/toml.h>\n#include \"fixtures/pipe.hpp\"\n#include \"drivers/relay.hpp\""},
      {"tests/relay_test.cpp", "std::this_thread::yield();"},
      {"README.md", "build/release/swiperig, /usr/bin/python3, network/work/home/ and https://x.example/home/y"},
      {"rig/causes.def",
       "// 断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电断电"},
  };
  for (const auto& [path, text] : honest) EXPECT_THAT(complaints(path, text), IsEmpty()) << path << ": " << text;
}

}  // namespace
}  // namespace swiperig
