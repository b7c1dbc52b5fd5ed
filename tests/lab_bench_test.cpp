// The real-lab bench: `swiperig check` takes it without hardware, and each way in which it can be miswired is told at
// its line, with what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/bench_file.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "drivers/link_tcp.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LabBench : public testing::Test {
 protected:
  LabBench() {
    for (const char* sub : {"benches", "terminals", "hosts"}) {
      std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
    }
    change("benches/lab.toml", "tcp:0.0.0.0:8583", "tcp:127.0.0.1:" + std::to_string(free_port));
  }
  void change(const std::string& file, const std::string& from, const std::string& to) {
    folder.write(file, replaced(read_text(folder / file), from, to));
  }
  /// `swiperig check` of the bench with this changed in it: exit code, and what it said.
  Said check(const std::string& from = "schema", const std::string& to = "schema",
             const std::string& file = "benches/lab.toml") {
    const std::string before = read_text(folder / file);
    folder.write(file, replaced(before, from, to));
    Said said = swiperig(folder, {"check", "benches/lab.toml"});
    folder.write(file, before);
    return said;
  }
  /// Where `text` stands in a file: "benches/lab.toml:12:8".
  std::string at(const std::string& text, int column, const std::string& file = "benches/lab.toml") {
    const std::string all = read_text(folder / file);
    const auto place = all.find(text);
    EXPECT_NE(place, all.npos) << text;
    const auto line = 1 + std::count(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(place), '\n');
    return file + ":" + std::to_string(line) + ":" + std::to_string(column);
  }
  static std::uint16_t port_of_nobody() {
    SteadyClock clock;
    std::uint16_t port = 0;
    tcp_listener(clock, "127.0.0.1", 0, &port);
    return port;
  }
  Folder folder;
  std::uint16_t free_port = port_of_nobody();
};

TEST_F(LabBench, IsInOrderWithoutHardware) {
  const Said said = check();
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.out, AllOf(HasSubstr("bench lab: real time"), HasSubstr("not there now"),
                              HasSubstr("is it plugged in"), HasSubstr("by 2 terminals; this one is 'left'"),
                              HasSubstr("chip slot, field"), HasSubstr("the file is in order")));
}

TEST_F(LabBench, ItsCasesCanBeDone) {
  const BenchFile bench = read_bench(folder / "benches/lab.toml");
  EXPECT_NO_THROW(check_feasible(read_campaign((project / "fixtures/campaigns/brown_out.toml").string()), bench));
  EXPECT_NO_THROW(check_feasible(read_campaign((project / "fixtures/campaigns/held_cards.toml").string()), bench));
}

TEST_F(LabBench, OnePortForTwoDevices) {
  const std::string robot = "serial:/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0?baud=115200";
  Said said = check("\"usb:1234:5678?serial=42\"", "\"" + robot + "\"");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr(at("link = \"usb", 8) + ": expected a port of its own"),
                              HasSubstr("is the robot's (" + at("link = \"serial", 8) + ")")));
  said = check("tcp:host.lab:8600", "tcp:host.lab:8583");
  EXPECT_THAT(said.err, AllOf(HasSubstr(at("link = \"tcp:host.lab:8600", 8) + ": expected a port of its own"),
                              HasSubstr("is the relay's way to the host")));
  // two names of one device
  folder.write("tty", "");
  std::filesystem::create_symlink(folder / "tty", folder / "by-id");
  change("benches/lab.toml", robot, "serial:" + folder / "tty" + "?baud=115200");
  said = check("\"usb:1234:5678?serial=42\"", "\"serial:" + folder / "by-id" + "?baud=9600\"");
  EXPECT_THAT(said.err, HasSubstr("expected a port of its own"));
}

TEST_F(LabBench, AnEnvelopeThatIsRequiredAndNotThere) {
  if (std::filesystem::exists("/etc/swiperig/envelope.toml")) GTEST_SKIP() << "this machine has one";
  const std::string line = "# envelope = \"required\"";
  Said said = check(line, "envelope = \"required\"");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr(at(line, 12) + ": expected the envelope of this machine"),
                              HasSubstr("/etc/swiperig/envelope.toml"), HasSubstr("write it, or take this line out")));
  setenv("SWIPERIG_ENVELOPE", folder.write("envelope.toml", "schema = 1\nmax_speed = \"1000 mm/s\"\n").c_str(), 1);
  said = check(line, "envelope = \"required\"");
  unsetenv("SWIPERIG_ENVELOPE");
  EXPECT_EQ(said.exit_code, 0) << said.err;
}

TEST_F(LabBench, WrongBaud) {
  const std::string link = "link = \"serial";
  Said said = check("?baud=115200\"   #", "?baud=fast\"   #");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr(at(link, 8)), HasSubstr("a baud rate in digits, as in ?baud=115200")));
  said = check("?baud=115200\"   #", "?baud=9600\"   #");
  EXPECT_THAT(said.out, HasSubstr("GRBL 1.1 speaks at 115200 baud unless it was built otherwise, not at 9600"));
}

TEST_F(LabBench, APlaceThatTheRobotCannotReach) {
  const std::string taught = "benches/lab.positions.toml";
  Said said = check("OK = [432.1, 77.9]", "OK = [501, 77.9]", taught);
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err,
              AllOf(HasSubstr(at("OK = [432.1, 77.9]", 6, taught)),
                    HasSubstr("expected a place within the robot's travel of 500 x 280 x 60 mm (travel_mm)")));
  said = check("OK = [432.1, 77.9]", "OK = [432.1, -1]", taught);
  EXPECT_THAT(said.err, HasSubstr(at("OK = [432.1, 77.9]", 14, taught) + ": expected a number from 0 to 5000"));
  said = check("grip = -51", "grip = -61", taught);
  EXPECT_THAT(said.err,
              AllOf(HasSubstr(at("grip = -51", 8, taught)), HasSubstr("expected a height within the robot's travel")));
  const std::pair<const char*, const char*> beyond[] = {{"head = [260, 60]", "head = [260, 281]"},
                                                        {"swipe_to = 410", "swipe_to = 501"},
                                                        {"field = [380, 180, -30]", "field = [380, 180, -61]"},
                                                        {"chip_slot = [300, 30, -25]", "chip_slot = [456, 30, -25]"}};
  for (const auto& [inside, outside] : beyond) {
    said = check(inside, outside, taught);
    EXPECT_EQ(said.exit_code, 2) << outside;
    EXPECT_THAT(said.err, AllOf(HasSubstr(at(inside, 1 + static_cast<int>(std::string(inside).find(" =")) + 3, taught)),
                                HasSubstr("within the robot's travel of 500 x 280 x 60 mm")))
        << outside;
  }
  said = check("chip_slot = [300, 30, -25]", "chip_slot = [455, 30, -25]", taught);
  EXPECT_THAT(said.err, Not(HasSubstr("within the robot's travel")))
      << "the twin: 45 mm deep, to the end of the travel";
  said = check("press = -41", "press = -30", taught);
  EXPECT_THAT(said.err, HasSubstr("expected heights in order: clear (0.0) above hover (-34.0) above press (-30.0)"));
  setenv("SWIPERIG_ENVELOPE", folder.write("envelope.toml", "schema = 1\ntravel_mm = [430, 280, 60]\n").c_str(), 1);
  said = check("travel_mm = [500, 280, 60]", "travel_mm = [430, 280, 60]");
  EXPECT_THAT(said.err, HasSubstr(at("3 = [432.1, 119.8]", 5, taught)));
  said = check();
  unsetenv("SWIPERIG_ENVELOPE");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, HasSubstr("the envelope of this machine")) << "the bench wants more than root allows";
}

TEST_F(LabBench, ABatteryWhoseRailNobodyMeasures) {
  Said said = check("# also_fed_by = \"battery\"", "also_fed_by = \"battery\"");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr(at("# also_fed_by", 15) + ": no case can be done here"),
                              HasSubstr("only where both rails are measured"), HasSubstr("second_rail_channel = 2")));
  change("benches/lab.toml", "# also_fed_by = \"battery\"", "also_fed_by = \"battery\"");
  said = check("# second_rail_channel = 2", "second_rail_channel = 2");
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("a second rail is measured"));
}

TEST_F(LabBench, ARelayPortThatSomebodyElseHas) {
  SteadyClock clock;
  const auto other = tcp_listener(clock, "127.0.0.1", free_port);
  const Said said = check();
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr(at("terminal_side", 17) + ": expected a port of this machine that is free"),
                              HasSubstr("in use"), HasSubstr("ss -ltnp")));
}

TEST_F(LabBench, AnAddressOfAnotherMachineForTheRelay) {
  const Said said = check("tcp:127.0.0.1:", "tcp:192.0.2.1:");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, HasSubstr(at("terminal_side", 17) + ": expected a port of this machine"));
}

TEST_F(LabBench, AKeyThatIsNamedOtherwiseThanTheProfileSays) {
  const std::string taught = "benches/lab.positions.toml";
  Said said = check("OK = [432.1, 77.9]", "ENTER = [432.1, 77.9]", taught);
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err,
              AllOf(HasSubstr(at("[keys_mm]", 1, taught)), HasSubstr("expected a key \"OK\", which the terminal's"),
                    HasSubstr("ENTER"), HasSubstr("swiperig teach")));
  said = check("[keys_mm]", "[key_mm]", taught);
  EXPECT_THAT(said.err, HasSubstr("\"keys_mm\" is missing"));
  said = check("[places_mm]", "[places_mm]\nslot = [1, 2, -3]", taught);
  EXPECT_THAT(said.err, HasSubstr("unknown key \"slot\", expected one of chip_slot, field, head"));
  said = check("good_card = \"debit\"", "good_card = \"gold\"");
  EXPECT_THAT(said.err, HasSubstr("one of the cards in cards_mm"));
}

TEST_F(LabBench, RegionsThatDoNotFit) {
  const std::string taught = "benches/lab.positions.toml";
  Said said = check("to_mm = [440, 200]", "to_mm = [470, 200]");
  EXPECT_THAT(said.err, HasSubstr("expected a region that does not overlap 'left'"));
  said = check("region = \"left\"", "region = \"middle\"");
  EXPECT_THAT(said.err,
              AllOf(HasSubstr(at("region = \"left\"", 10)), HasSubstr("one of the regions in [actuator.regions]")));
  said = check("region = \"left\"     ", "                    ");
  EXPECT_EQ(said.exit_code, 2);
  said = check("clear = 0", "clear = -20", taught);
  EXPECT_THAT(said.err, HasSubstr("expected a top below the safe height of -20.0 mm"));
  said = check("debit = [100.1, 200]", "debit = [480, 200]", taught);
  EXPECT_THAT(said.err, AllOf(HasSubstr(at("debit = [100.1, 200]", 9, taught)),
                              HasSubstr("enters the region of 'right' below its top")));
  said = check("OK = [432.1, 77.9]", "OK = [200, 77.9]", taught);
  EXPECT_THAT(said.err, HasSubstr("expected a key within the region of its terminal, 'left'"));
}

TEST_F(LabBench, ARobotThatIsTooWeakForAnOrdinarySwipe) {
  const Said said = check("acceleration_mm_s2 = 3000", "acceleration_mm_s2 = 300");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr("the swipe of each recovery sale"), HasSubstr("a run-up of")));
}

TEST_F(LabBench, PositionsThatWereNeverTaught) {
  std::filesystem::remove(folder / "benches/lab.positions.toml");
  const Said said = check();
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err,
              AllOf(HasSubstr(at("positions = ", 13)), HasSubstr("`swiperig teach benches/lab.toml` makes it")));
}

TEST_F(LabBench, PositionsInTwoPlaces) {
  const Said said = check("[actuator.regions.left]", "[actuator.keys_mm]\nOK = [1, 1]\n\n[actuator.regions.left]");
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, HasSubstr("expected no keys_mm beside positions: it is there"));
}

TEST_F(LabBench, AVoltageBelowTheTerminalsLevel) {
  const Said said = check("voltage = \"5 V\"", "voltage = \"3.3 V\"");
  EXPECT_THAT(said.err,
              AllOf(HasSubstr(at("voltage = \"5 V\"", 11)), HasSubstr("more than the terminal's brown-out level")));
}

}  // namespace
}  // namespace swiperig
