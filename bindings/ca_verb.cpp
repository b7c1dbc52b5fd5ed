// `swiperig ca`: a test CA in a folder, and what to do with each of its files. Nothing is overwritten: a key that a
// terminal trusts is not lost by a slip.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "bindings/config.hpp"
#include "bindings/durable_file.hpp"
#include "bindings/run.hpp"
#include "drivers/tls_ca.hpp"
#include "reports/visible.hpp"
#include "rig/clock.hpp"

namespace swiperig {

namespace fs = std::filesystem;

int make_ca(const std::string& folder, std::vector<std::string> names) {
  if (names.empty()) names = {"localhost", "127.0.0.1"};
  const auto at = [&](const char* name) { return (fs::path(folder) / name).string(); };
  for (const char* name : {"ca.pem", "ca.key", "relay.pem", "relay.key"}) {
    struct stat there = {};
    if (lstat(at(name).c_str(), &there) == 0) {
      throw ConfigError(at(name) + ": expected no such file yet: nothing is overwritten, name another folder");
    }
  }
  TestCa made;
  try {
    made = make_test_ca(names, wall_clock_s());
  } catch (const std::runtime_error& e) {
    throw ConfigError(std::string("--name: expected a host name or an address: ") + e.what());
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    throw ConfigError(folder + ": expected a folder, or to make one: " + std::strerror(errno));
  }
  write_new(at("ca.key"), made.ca_key, 0600);
  write_new(at("ca.pem"), made.ca_certificate, 0644);
  write_new(at("relay.key"), made.key, 0600);
  write_new(at("relay.pem"), made.certificate, 0644);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  std::cout << visible(at("ca.pem"))
            << "     install it in the terminal as a CA that it trusts, and nowhere else; ten years\n"
            << visible(at("ca.key"))
            << "     its key: whoever has it can be any host to that terminal; keep it off the bench\n"
            << visible(at("relay.pem")) << "  the relay's certificate, for " << visible(all) << "; 825 days\n"
            << visible(at("relay.key")) << "  its key\n\n"
            << "in the bench file, files relative to it:\n"
            << "  [network]\n  tls = \"test_trust\"\n  certificate = \"relay.pem\"\n  key = \"relay.key\"\n"
            << "  host_ca = \"...\"    # the CA that the real host's certificate is under\n";
  return 0;
}

}  // namespace swiperig
