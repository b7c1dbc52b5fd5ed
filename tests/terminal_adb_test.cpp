// An Android terminal through the adb server's protocol: what is seen of it, what can be done to it, and every way in
// which adb does not work. The far end is a stand-in, which the real adb client is asked about where it is installed.
#include "drivers/terminal_adb.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "drivers/link_tcp.hpp"
#include "fixtures/adb_server.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/diagnose.hpp"
#include "tests/folder.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const TerminalProfile& android() {
  static const TerminalProfile p = read_terminal_profile((project / "fixtures/terminals/android.toml").string());
  return p;
}

struct Desk {
  Desk() { server.devices["R58"] = {"device", android().package, 100, {}}; }
  VirtualClock clock;
  PipeHub hub{clock};
  std::unique_ptr<Listener> listener = hub.listen("adb");
  AdbServer server{clock, *listener};
  TerminalAdb driver{clock,
                     hub.dialer("adb"),
                     {"R58", android().package, android().log_filter},
                     android().rules,
                     android().link.masks};
  std::vector<std::string> seen;
  std::vector<Seen> events;

  Task<> listen() {
    try {
      for (;;) {
        const Seen one = co_await driver.next();
        events.push_back(one);
        if (const auto* t = std::get_if<Text>(&one.body)) seen.push_back(t->place + ":" + t->text);
        if (const auto* p = std::get_if<Presence>(&one.body))
          seen.push_back(p->what + (p->up ? "+ " : "- ") + p->where);
        if (const auto* m = std::get_if<Milestone>(&one.body)) {
          std::string line = "!" + m->name;
          for (const auto& [name, value] : m->fields) line += " " + name + "=" + value;
          seen.push_back(line);
        }
      }
    } catch (const LinkError&) {
    }
  }

  void run(const std::function<Task<>()>& play) {
    const auto all = [&]() -> Task<> {
      Crew crew(clock);
      crew.start(server.run());
      crew.start(driver.serve());
      crew.start(listen());
      std::exception_ptr failure;
      try {
        co_await clock.sleep_for(100ms);
        co_await play();
      } catch (...) {
        failure = std::current_exception();
      }
      driver.close();
      server.stop();
      co_await crew.join();
      if (failure) std::rethrow_exception(failure);
    };
    clock.run(all());
  }
};

/// What `set` says; "" when it is done.
Task<std::string> refusal(TerminalAdb& driver, const char* part, const char* state) {
  std::string why;
  PartState wanted;
  wanted.part = part;
  wanted.state = state;
  try {
    co_await driver.set(std::move(wanted));
  } catch (const EquipmentError& e) {
    why = e.what();
  }
  co_return why;
}

TEST(TerminalAdb, LogLinesBecomeTextsAndMilestones) {
  Desk d;
  d.run([&]() -> Task<> {
    d.server.log("R58", "I/POS     ( 100): idle\nI/POS     ( 100): card pan=6212345678901265 entry=02; holder=A B;\n");
    d.server.log("R58", "I/POS     ( 100): result=00 stan=00");
    co_await d.clock.sleep_for(10ms);
    d.server.log("R58", "0007 amount=5100\r\nI/POS     ( 100): result=51 stan=000008 amount=700\n");
    co_await d.clock.sleep_for(10ms);
  });
  EXPECT_THAT(d.seen, ElementsAre("adb+ R58", "app+ com.example.pos, process 100", "log:I/POS     ( 100): idle",
                                  "!idle", "log:I/POS     ( 100): card pan=621234******1265 entry=02; holder=***;",
                                  "!card_read pan=621234******1265 entry=02",
                                  "log:I/POS     ( 100): result=00 stan=000007 amount=5100",
                                  "!told stan=000007 amount=5100 code=00 kind=sale outcome=APPROVED",
                                  "log:I/POS     ( 100): result=51 stan=000008 amount=700",
                                  "!told code=51 stan=000008 amount=700 kind=sale outcome=DECLINED"));
  EXPECT_THAT(d.server.asked, Contains("exec:logcat -v brief -T 1 POS:I *:S"));
}

TEST(TerminalAdb, ACrashOfTheApplicationAndARestartAreSeen) {
  Desk d;
  d.run([&]() -> Task<> {
    co_await d.clock.sleep_for(5s);
    d.server.devices["R58"].pid = 0;
    co_await d.clock.sleep_for(2s);
    d.server.devices["R58"].pid = 101;
    co_await d.clock.sleep_for(2s);
    d.server.devices["R58"].pid = 102;  // so fast that nobody saw it gone
    co_await d.clock.sleep_for(2s);
    d.server.devices["R58"].booted = d.clock.now();
    co_await d.clock.sleep_for(2s);
  });
  EXPECT_THAT(d.seen, ElementsAre("adb+ R58", "app+ com.example.pos, process 100", "app- com.example.pos, process 100",
                                  "app+ com.example.pos, process 101", "app- com.example.pos, process 101",
                                  "app+ com.example.pos, process 102", "os- R58", StartsWith("os+ R58, up for ")));
}

TEST(TerminalAdb, AnHourInWhichNothingHappensSaysNothing) {
  Desk d;
  d.run([&]() -> Task<> { co_await d.clock.sleep_for(1h); });
  EXPECT_THAT(d.seen, ElementsAre("adb+ R58", "app+ com.example.pos, process 100"));
}

TEST(TerminalAdb, ATerminalThatIsLockedIsToldOnceAndSeenWhenItIsOpened) {
  for (const auto& locked : {std::pair{"unauthorized", "device unauthorized. This adb server's $ADB_VENDOR_KEYS"},
                             {"offline", "device offline"}}) {
    Desk d;
    d.server.devices["R58"].state = locked.first;
    d.run([&]() -> Task<> {
      co_await d.clock.sleep_for(30s);
      EXPECT_THAT(d.seen, ElementsAre(HasSubstr(std::string("link:adb: R58: ") + locked.second)));
      d.server.devices["R58"].state = "device";
      co_await d.clock.sleep_for(3s);
      d.server.log("R58", "I/POS     ( 100): idle\n");
      co_await d.clock.sleep_for(10ms);
    });
    EXPECT_THAT(d.seen, AllOf(Contains("adb+ R58"), Contains("!idle")));
  }
}

TEST(TerminalAdb, OfATerminalThatLeavesNothingIsKnownUntilItIsBack) {
  Desk d;
  d.run([&]() -> Task<> {
    co_await d.clock.sleep_for(2s);
    d.server.devices["R58"].state = "offline";
    co_await d.clock.sleep_for(5s);
    d.server.devices.erase("R58");
    co_await d.clock.sleep_for(5s);
  });
  EXPECT_THAT(d.seen, ElementsAre("adb+ R58", "app+ com.example.pos, process 100", "adb- R58",
                                  "link:adb: R58: device offline", "link:adb: R58: device 'R58' not found"));
}

/// A case of which this is what adb saw, after an approval that was delivered; the rail stays at 5 V.
Diagnosis diagnosed(const Desk& d, Time begun, bool with_adb) {
  History h;
  h.now = begun;
  h.intent("sale", 1234);
  h.read_card();
  h.asked(1, 1234);
  h.answered(1, 1234);
  h.rail(5000);
  h.gave_up(1);
  for (const Seen& one : d.events) {
    if (!with_adb || one.at < begun) continue;
    h.now = one.at - 1ms;
    h.add(Source::terminal, one.body);
    h.events.back().at_uncertainty = one.at_uncertainty;
  }
  h.wait(25s);
  h.silence();
  return diagnose(observed(h.events), full_scope());
}

TEST(TerminalAdb, WhatItSeesTellsACrashOfTheApplicationFromOneOfTheSystem) {
  using Break = std::function<Task<>(Desk&)>;
  struct Row {
    const char* cause;
    Break what;
  };
  const Row rows[] = {{"app_crash",
                       [](Desk& d) -> Task<> {
                         d.server.devices["R58"].pid = 101;
                         co_await d.clock.sleep_for(3s);
                       }},
                      {"app_crash",
                       [](Desk& d) -> Task<> {
                         d.server.devices["R58"].pid = 0;
                         co_await d.clock.sleep_for(3s);
                       }},
                      {"os_crash",
                       [](Desk& d) -> Task<> {  // the application first, as in an orderly restart
                         d.server.devices["R58"].pid = 0;
                         co_await d.clock.sleep_for(1500ms);
                         d.server.devices["R58"].state = "offline";
                         co_await d.clock.sleep_for(15s);
                         d.server.devices["R58"] = {"device", android().package, 100, d.clock.now() - 9s};
                         co_await d.clock.sleep_for(3s);
                       }},
                      {"unknown",
                       [](Desk& d) -> Task<> {  // and nobody saw what became of it
                         d.server.devices["R58"].pid = 0;
                         co_await d.clock.sleep_for(1500ms);
                         d.server.devices["R58"].state = "offline";
                         co_await d.clock.sleep_for(15s);
                       }}};
  for (const Row& row : rows) {
    Desk d;
    Time begun{};
    d.run([&]() -> Task<> {
      co_await d.clock.sleep_for(30s);
      begun = d.clock.now();
      co_await d.clock.sleep_for(2s);
      co_await row.what(d);
    });
    const Diagnosis with = diagnosed(d, begun, true), without = diagnosed(d, begun, false);
    EXPECT_EQ(with.cause, row.cause) << with.why;
    EXPECT_EQ(without.cause, "unknown") << "the twin: " << without.why;
  }
}

TEST(TerminalAdb, ARestartIsSeenHoweverLongNobodyLooked) {
  for (const auto up : {2s, 40s, 4000s}) {
    Desk d;
    d.run([&]() -> Task<> {
      co_await d.clock.sleep_for(30s);
      d.server.devices["R58"].state = "offline";
      co_await d.clock.sleep_for(5000s);
      d.server.devices["R58"] = {"device", android().package, 100, d.clock.now() - up};
      co_await d.clock.sleep_for(2s);
    });
    EXPECT_THAT(d.seen, Contains("os- R58")) << "it was up longer before than it is now, or not";
    const auto its = std::find_if(d.events.begin(), d.events.end(), [](const Seen& one) {
      const auto* p = std::get_if<Presence>(&one.body);
      return p != nullptr && p->what == "os";
    });
    ASSERT_NE(its, d.events.end());
    EXPECT_GE(its->at_uncertainty, 5000s) << "nobody knows when";
  }
  Desk still;
  still.run([&]() -> Task<> {
    co_await still.clock.sleep_for(30s);
    still.server.devices["R58"].state = "offline";
    co_await still.clock.sleep_for(5000s);
    still.server.devices["R58"].state = "device";
    co_await still.clock.sleep_for(2s);
  });
  EXPECT_THAT(still.seen, Not(Contains(StartsWith("os")))) << "the twin: it was away and ran on";
}

TEST(TerminalAdb, AServerThatFailsIsToldAndAskedAgain) {
  using Fault = AdbServer::Fault;
  for (const auto& failing : {std::pair{Fault::ends_within_answer, "no uptime: the answer ended early"},
                              {Fault::never_answers, "no answer within 5 s"},
                              {Fault::speaks_nonsense, "no adb server: it answered \"HTTP\""}}) {
    Desk d;
    d.run([&]() -> Task<> {
      co_await d.clock.sleep_for(2s);
      d.server.fault = failing.first;
      co_await d.clock.sleep_for(20s);
      EXPECT_THAT(d.seen.back(), HasSubstr(failing.second));
      EXPECT_THAT(d.seen, Contains("adb- R58"));
      d.server.fault = Fault::none;
      co_await d.clock.sleep_for(10s);
    });
    EXPECT_EQ(d.seen.back(), "adb+ R58") << "the twin: it works again, and the same process ran on";
  }
}

TEST(TerminalAdb, WithoutAnyServerTheBenchGoesOn) {
  Desk d;
  d.listener->close();
  d.run([&]() -> Task<> { co_await d.clock.sleep_for(1min); });
  EXPECT_THAT(d.seen, ElementsAre(HasSubstr("link:adb: R58: the adb server cannot be reached")));
}

TEST(TerminalAdb, ALogWithoutEndOrWithHostileBytesHarmsNothing) {
  Desk d;
  d.run([&]() -> Task<> {
    d.server.log("R58", std::string("a\0\x1B[2J\xFF\n", 8) + "\n\n");
    co_await d.clock.sleep_for(10ms);
    EXPECT_EQ(d.seen.back(), "log:a\\x00\\x1B[2J\\xFF");
    d.server.fault = AdbServer::Fault::endless_log;
    co_await d.clock.sleep_for(10s);
    d.server.fault = AdbServer::Fault::none;
    co_await d.clock.sleep_for(1s);
    d.server.log("R58", "\nI/POS     ( 100): idle\n");
    co_await d.clock.sleep_for(10ms);
  });
  EXPECT_EQ(d.seen.back(), "!idle");
  EXPECT_EQ(d.seen.size(), 5U) << "of the line that does not end nothing is told";
}

TEST(TerminalAdb, TheApplicationIsStoppedAndTheSystemRestarted) {
  Desk d;
  d.run([&]() -> Task<> {
    const std::string stopped = co_await refusal(d.driver, "app", "crash");
    EXPECT_EQ(stopped, "");
    EXPECT_EQ(d.server.devices["R58"].pid, 0);
    co_await d.clock.sleep_for(2s);
    EXPECT_EQ(d.seen.back(), "app- com.example.pos, process 100");
    d.server.devices["R58"].pid = 7;
    const std::string restarted = co_await refusal(d.driver, "os", "crash");
    EXPECT_EQ(restarted, "");
    EXPECT_EQ(d.server.devices["R58"].pid, 0);
    const std::string sound = co_await refusal(d.driver, "app", "sound");
    EXPECT_EQ(sound, "");
  });
  EXPECT_THAT(d.server.asked, AllOf(Contains("exec:am force-stop com.example.pos"), Contains("reboot:")));
}

TEST(TerminalAdb, WhatAdbCannotDoIsAFaultOfTheRig) {
  Desk d;
  d.run([&]() -> Task<> {
    const std::string other = co_await refusal(d.driver, "printer", "out_of_paper");
    EXPECT_EQ(other, "adb does not make a terminal's printer out_of_paper");
    d.server.devices["R58"].state = "unauthorized";
    const std::string locked = co_await refusal(d.driver, "app", "crash");
    EXPECT_THAT(locked, HasSubstr("adb: R58: app crash: device unauthorized."));
  });
  EXPECT_EQ(d.server.devices["R58"].pid, 100);
}

TEST(TerminalAdb, NothingButWordsReachesItsShell) {
  VirtualClock clock;
  PipeHub hub(clock);
  for (const auto& [package, filter] : {std::pair{"com.x; reboot", "*:S"}, {"", "*:S"}, {"com.x", "$(reboot)"}}) {
    EXPECT_THROW(TerminalAdb(clock, hub.dialer("adb"), {"R58", package, filter}, {}, {}), std::invalid_argument);
  }
  EXPECT_NO_THROW(TerminalAdb(clock, hub.dialer("adb"), {"R58", "com.x", "POS:I *:S"}, {}, {}));
}

/// What is said about the laboratory's bench with this terminal on it; "": nothing.
std::string bench_refusal(const std::string& section, const std::string& profile) {
  const Folder folder;
  const std::filesystem::path fixtures = project / "fixtures";
  for (const char* kept : {"benches", "hosts", "terminals"}) {
    std::filesystem::copy(fixtures / kept, folder.path() / kept, std::filesystem::copy_options::recursive);
  }
  std::string text = read_text(folder / "benches/lab.toml");
  const std::size_t from = text.find("driver = \"terminal_ecr\""), to = text.find("profile = \"../terminals");
  text.replace(from, to - from, section + "\n");
  const std::string path = folder.write("benches/adb.toml", replaced(text, "terminals/fixture.toml", profile));
  try {
    const BenchFile bench = read_bench(path);
    EXPECT_EQ(bench.adb_serial.has_value(), section.find("terminal_adb") != section.npos);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(TerminalAdb, ABenchNamesServerAndDevice) {
  const std::string good = "driver = \"terminal_adb\"\nlink = \"tcp:127.0.0.1:5037\"\nserial = \"R58\"";
  const std::string android_profile = "terminals/android.toml";
  EXPECT_EQ(bench_refusal(good, android_profile), "");
  EXPECT_EQ(bench_refusal("driver = \"terminal_ecr\"\nlink = \"tcp:127.0.0.1:5037\"", android_profile), "");
  EXPECT_THAT(bench_refusal(good, "terminals/fixture.toml"), HasSubstr("a profile with an [android] section"));
  EXPECT_THAT(bench_refusal(replaced(good, "serial = \"R58\"", ""), android_profile), HasSubstr("serial"));
  EXPECT_THAT(bench_refusal(replaced(good, "R58", "R 58"), android_profile), HasSubstr("as `adb devices` shows it"));
  EXPECT_THAT(bench_refusal(replaced(good, "tcp:127.0.0.1:5037", "usb:1234:5678"), android_profile),
              HasSubstr("where the adb server is"));
}

/// What Debian's adb says to the stand-in, served at a port of this machine.
TEST(RealtimeAdb, TheRealClientTakesTheStandInForAServer) {
  ASSERT_EQ(std::system("command -v adb >/dev/null"), 0) << "rig/setup installs adb";
  const Folder folder;
  SteadyClock clock;
  std::uint16_t port = 47'480;
  std::unique_ptr<Listener> listener;
  for (; !listener; ++port) {
    try {
      listener = tcp_listener(clock, "127.0.0.1", port);
    } catch (const LinkError&) {
      ASSERT_LT(port, 47'580);
    }
  }
  --port;
  AdbServer server(clock, *listener);
  server.devices["R58"] = {"device", "com.example.pos", 100, {}};
  server.devices["R59"] = {"unauthorized", "com.example.pos", 100, {}};
  std::atomic<bool> over = false;
  std::string said;
  std::thread client([&] {
    const std::string adb = "HOME=" + (folder / "") + " timeout 20 adb -H 127.0.0.1 -P " + std::to_string(port) + " ";
    const std::string into = " >>" + (folder / "out") + " 2>&1; echo \"=$?\" >>" + (folder / "out");
    for (const char* words : {"devices", "-s R58 shell pidof com.example.pos", "-s R58 exec-out 'cat /proc/uptime'",
                              "-s R58 shell am force-stop com.example.pos", "-s R58 shell pidof com.example.pos",
                              "-s R59 shell id", "-s none shell id"}) {
      (void)!std::system((adb + words + into).c_str());
    }
    over = true;
  });
  const auto all = [&]() -> Task<> {
    Crew crew(clock);
    crew.start(server.run());
    while (!over) co_await clock.sleep_for(20ms);
    server.stop();
    co_await crew.join();
  };
  clock.run(all());
  client.join();
  said = read_text(folder / "out");
  EXPECT_THAT(said, AllOf(HasSubstr("R58\tdevice\nR59\tunauthorized\n"), HasSubstr("\n100\n=0\n"),
                          HasSubstr(" 1.00\n=0\n"), HasSubstr("device unauthorized"), HasSubstr("'none' not found")));
  EXPECT_THAT(said, Not(HasSubstr("killing")));
  EXPECT_EQ(server.devices["R58"].pid, 0);
}

}  // namespace
}  // namespace swiperig
