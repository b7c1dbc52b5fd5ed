// A bench in real time for one test: its own ports and device names, and the stand-ins at the far ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drivers/link_tcp.hpp"
#include "tests/program.hpp"

namespace swiperig {

/// A real-time bench of this test's own: free ports, device names in its folder.
inline std::string bench_in(const Folder& folder) {
  for (const char* sub : {"benches", "terminals", "hosts"}) {
    std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
  }
  std::string text = read_text(folder / "benches/realtime.toml");
  SteadyClock clock;
  std::vector<std::unique_ptr<Listener>> taken;
  for (int port = 47302; port <= 47306; ++port) {
    std::uint16_t free_port = 0;
    taken.push_back(tcp_listener(clock, "127.0.0.1", 0, &free_port));
    text = replaced(text, ":" + std::to_string(port), ":" + std::to_string(free_port));
  }
  text = replaced(text, "runs/stand-in/", folder / "tty/");
  return folder.write("benches/realtime.toml", text);
}

inline bool ports_made(const Folder& folder) {
  return std::filesystem::exists(folder / "tty/robot") && std::filesystem::exists(folder / "tty/ecr");
}

/// The stand-ins, until the end of the test.
class Served {
 public:
  Served(const Folder& folder, const std::string& bench) : program_(own_, {"stand-in", "--bench", bench}) {
    EXPECT_TRUE(await(20, [&] { return ports_made(folder); })) << program_.err();
  }
  ~Served() {
    program_.signal(SIGTERM);
    program_.wait(10);
  }

 private:
  Folder own_;
  Program program_;
};

}  // namespace swiperig
