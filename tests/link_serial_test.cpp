#include "drivers/link_serial.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "rig/bytes.hpp"
#include "rig/crew.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// Reads until `count` bytes have come, or the link ends: then "|" and how.
Task<> read_count(Link& link, std::size_t count, std::string& seen) {
  std::array<std::uint8_t, 4096> chunk;
  try {
    while (seen.size() < count) {
      const auto into = std::span(chunk).first(std::min(chunk.size(), count - seen.size()));
      const std::size_t n = co_await link.read_some(into);
      if (n == 0) {
        seen += "|end";
        break;
      }
      seen += text_of(std::span(chunk).first(n));
    }
  } catch (const LinkError& e) {
    seen += e.kind == LinkError::reset ? "|reset" : "|failed";
  }
}

Task<> write_text(Link& link, std::string text, std::string& result) {
  try {
    co_await link.write(bytes_of(text));
    result += "written";
  } catch (const LinkError& e) {
    result += e.kind == LinkError::closed ? "closed" : "broken";
  }
}

class LinkSerial : public testing::Test {
 protected:
  LinkSerial() {
    std::string pattern = (fs::temp_directory_path() / "swiperig-serial-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    device = folder + "/bench/robot";
  }
  ~LinkSerial() override { fs::remove_all(folder); }

  void run(std::function<Task<>()> what) { clock.run(what()); }
  void both_ways(Link& a, Link& b, const std::string& text, std::string& at_a, std::string& at_b) {
    run([&]() -> Task<> {
      std::string ignored;
      Crew crew(clock);
      crew.start(read_count(a, text.size(), at_a));
      crew.start(read_count(b, text.size(), at_b));
      crew.start(write_text(a, text, ignored));
      crew.start(write_text(b, text, ignored));
      co_await crew.join();
    });
  }
  std::string refusal(const std::string& path, int baud) {
    try {
      auto link = serial_link(clock, path, baud);
    } catch (const LinkError& e) {
      return e.kind == LinkError::failed ? e.what() : "of another kind";
    }
    return "opened";
  }

  SteadyClock clock;
  std::string folder, device;
};

TEST_F(LinkSerial, EveryByteValuePassesBothWays) {
  auto near = pty_link(clock, device);
  auto far = serial_link(clock, device, 115200);
  std::string all(256, '\0'), at_near, at_far;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  both_ways(*near, *far, all, at_near, at_far);
  EXPECT_EQ(to_hex(bytes_of(at_near)), to_hex(bytes_of(all)));
  EXPECT_EQ(to_hex(bytes_of(at_far)), to_hex(bytes_of(all)));
}

TEST_F(LinkSerial, SetsTheLineTo8N1AtItsBaudRateAndKeepsDtrAtClosing) {
  auto near = pty_link(clock, device);
  const int fd = ::open(device.c_str(), O_RDWR | O_NOCTTY);
  ASSERT_GE(fd, 0);
  termios settings{};
  ASSERT_EQ(::tcgetattr(fd, &settings), 0);
  settings.c_cflag |= HUPCL | CSTOPB | PARENB | CRTSCTS;
  settings.c_lflag |= ECHO | ICANON | ISIG;
  settings.c_iflag |= IXON | ICRNL;
  ASSERT_EQ(::tcsetattr(fd, TCSANOW, &settings), 0);
  auto far = serial_link(clock, device, 9600);
  ASSERT_EQ(::tcgetattr(fd, &settings), 0);
  ::close(fd);
  EXPECT_EQ(::cfgetospeed(&settings), static_cast<speed_t>(B9600));
  EXPECT_EQ(settings.c_cflag & (CSIZE | CSTOPB | PARENB | HUPCL | CRTSCTS), static_cast<tcflag_t>(CS8));
  EXPECT_EQ(settings.c_lflag & (ECHO | ICANON | ISIG), 0U);
  EXPECT_EQ(settings.c_iflag & (IXON | ICRNL), 0U);
}

TEST_F(LinkSerial, TheFarEndMayComeAndGoWithoutAnEnd) {
  auto near = pty_link(clock, device);
  std::string seen;
  run([&]() -> Task<> {
    Crew crew(clock);
    crew.start(read_count(*near, 12, seen));
    for (int visit = 0; visit < 3; ++visit) {
      auto far = serial_link(clock, device, 115200);
      std::string ignored;
      co_await write_text(*far, "ping", ignored);
      co_await clock.sleep_for(2ms);
      far->close(visit == 0 ? Close::fin : Close::reset);
      co_await clock.sleep_for(2ms);
    }
    co_await crew.join();
  });
  EXPECT_EQ(seen, "pingpingping");
}

TEST_F(LinkSerial, ADeviceThatGoesAwayIsAReset) {
  auto near = pty_link(clock, device);
  auto far = serial_link(clock, device, 115200);
  std::string seen, written;
  run([&]() -> Task<> {
    Crew crew(clock);
    crew.start(read_count(*far, 1, seen));
    co_await clock.sleep_for(1ms);
    near.reset();
    co_await crew.join();
    co_await write_text(*far, "anybody there?", written);
  });
  EXPECT_EQ(seen, "|reset");
  EXPECT_EQ(written, "broken");
}

TEST_F(LinkSerial, ALinkDestroyedUnderAReaderEndsTheRead) {
  auto near = pty_link(clock, device);
  auto far = serial_link(clock, device, 115200);
  std::string at_near, at_far;
  run([&]() -> Task<> {
    Crew crew(clock);
    crew.start(read_count(*far, 1, at_far));
    crew.start(read_count(*near, 1, at_near));
    co_await clock.sleep_for(1ms);
    far.reset();
    near.reset();
    co_await crew.join();
  });
  EXPECT_EQ(at_far, "|end");
  EXPECT_EQ(at_near, "|end");
}

TEST_F(LinkSerial, AMillionBytesArriveInOrder) {
  auto near = pty_link(clock, device);
  auto far = serial_link(clock, device, 115200);
  std::string sent(1 << 20, '\0'), at_near, at_far;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>((i * 2654435761U) >> 24);
  both_ways(*near, *far, sent, at_near, at_far);
  EXPECT_TRUE(at_near == sent);
  EXPECT_TRUE(at_far == sent);
}

TEST_F(LinkSerial, AFloodThatNobodyReadsWaitsInTheKernelUntilTheLinkGoes) {
  auto near = pty_link(clock, device);
  auto far = serial_link(clock, device, 115200);
  std::string written;
  std::string waiting;
  run([&]() -> Task<> {
    Crew crew(clock);
    crew.start(write_text(*far, std::string(1 << 20, 'x'), written));
    co_await clock.sleep_for(20ms);
    waiting = written;
    far.reset();
    co_await crew.join();
  });
  EXPECT_EQ(waiting, "");
  EXPECT_EQ(written, "closed");
}

TEST_F(LinkSerial, SaysWhichDeviceAndWhatToDo) {
  const std::string missing = refusal("/dev/ttyNoSuchPort7", 115200);
  EXPECT_EQ(missing.find("serial:/dev/ttyNoSuchPort7: no such device"), 0U) << missing;
  EXPECT_NE(missing.find("plugged in"), std::string::npos) << missing;
  EXPECT_NE(refusal("/dev/null", 115200).find("not a serial port"), std::string::npos);
  EXPECT_NE(refusal(folder, 115200).find("not a serial port"), std::string::npos);
  auto near = pty_link(clock, device);
  const std::string odd = refusal(device, 12345);
  EXPECT_NE(odd.find("12345 is not one of 1200, "), std::string::npos) << odd;
  EXPECT_EQ(refusal(device, 115200), "opened");
  auto far = serial_link(clock, device, 115200);
  const std::string taken = refusal(device, 115200);
  EXPECT_EQ(taken.find("serial:" + device + ": taken by another program"), 0U) << taken;
  far->close(Close::fin);
  EXPECT_EQ(refusal(device, 115200), "opened");
}

TEST_F(LinkSerial, ThePublishedNameGoesWithTheLinkAndIsPrivate) {
  auto link = pty_link(clock, device);
  EXPECT_TRUE(fs::is_symlink(device));
  EXPECT_TRUE(fs::is_character_file(fs::canonical(device)));
  struct stat parent {};
  ASSERT_EQ(::stat((folder + "/bench").c_str(), &parent), 0);
  EXPECT_EQ(parent.st_mode & 0777U, 0700U);
  auto newer = pty_link(clock, device);
  const fs::path newest = fs::canonical(device);
  link.reset();
  EXPECT_EQ(fs::canonical(device), newest) << "the older link has removed the newer one's name";
  newer->close(Close::fin);
  EXPECT_FALSE(fs::exists(fs::symlink_status(device)));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder + "/bench"), fs::directory_iterator()), 0);
}

TEST_F(LinkSerial, AFileOfSomebodyElseIsNotReplaced) {
  const std::string precious = folder + "/notes.txt";
  std::ofstream(precious) << "keep";
  try {
    auto link = pty_link(clock, precious);
    FAIL() << "replaced a file";
  } catch (const LinkError& e) {
    EXPECT_NE(std::string(e.what()).find("is no symbolic link"), std::string::npos) << e.what();
  }
  EXPECT_EQ(fs::file_size(precious), 4U);
  EXPECT_THROW(pty_link(clock, precious + "/below"), LinkError);
}

}  // namespace
}  // namespace swiperig
