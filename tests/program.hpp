// The program itself, started by a test: arguments in, exit code and what it said out. Only processes started here are
// ended, by their id.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "rig/clock.hpp"
#include "tests/folder.hpp"
#include "tests/programs.hpp"

namespace swiperig {

/// Waits until `seen` is true, at most so long.
template <class Seen>
bool await(double limit_s, Seen seen) {
  for (const double until = machine_seconds() + limit_s; machine_seconds() < until; poll(nullptr, 0, 5)) {
    if (seen()) return true;
  }
  return seen();
}

class Program {
 public:
  /// Starts swiperig in `folder`, its words going to files there; what stands in NAME.in
  /// is its standard input.
  Program(const Folder& folder, std::vector<std::string> arguments, const std::string& name = "swiperig")
      : out_(folder / (name + ".out")), err_(folder / (name + ".err")) {
    std::string binary = programs::swiperig;
    std::vector<char*> raw = {binary.data()};
    for (auto& a : arguments) raw.push_back(a.data());
    raw.push_back(nullptr);
    const std::string where = folder.path().string();
    for (const auto& file : {name + ".out", name + ".err"}) folder.write(file, "");
    pid_ = fork();
    if (pid_ == 0) {
      const auto onto = [](const std::string& path, int fd) {
        return dup2(open(path.c_str(), O_WRONLY | O_CLOEXEC), fd) >= 0;
      };
      setenv("XDG_RUNTIME_DIR", where.c_str(), 1);  // locks and sockets of this test alone
      const std::string typed = where + "/" + name + ".in";
      const int in = open(access(typed.c_str(), R_OK) == 0 ? typed.c_str() : "/dev/null", O_RDONLY | O_CLOEXEC);
      if (chdir(where.c_str()) == 0 && dup2(in, 0) >= 0 && onto(out_, 1) && onto(err_, 2)) execv(raw[0], raw.data());
      _exit(126);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (exit_code_ < 0) {
      signal(SIGKILL);
      wait();
    }
  }

  pid_t pid() const { return pid_; }
  void signal(int number) const { EXPECT_EQ(kill(pid_, number), 0); }
  /// The exit code (128 + the signal that ended it); the program is killed after `limit_s` and the test fails.
  int wait(double limit_s = 120) {
    if (!await(limit_s, [&] { return ended(); })) {
      ADD_FAILURE() << "still running after " << limit_s << " s: " << err();
      signal(SIGKILL);
      await(10, [&] { return ended(); });
    }
    return exit_code_;
  }
  bool ended() {
    int status = 0;
    if (exit_code_ < 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return exit_code_ >= 0;
  }
  std::string out() const { return std::filesystem::exists(out_) ? read_text(out_) : ""; }
  std::string err() const { return std::filesystem::exists(err_) ? read_text(err_) : ""; }

 private:
  std::string out_, err_;
  pid_t pid_ = 0;
  int exit_code_ = -1;
};

struct Said {
  int exit_code;
  std::string out, err;
};
inline Said swiperig(const Folder& folder, std::vector<std::string> arguments) {
  Program program(folder, std::move(arguments));
  const int code = program.wait();
  return {code, program.out(), program.err()};
}

inline const std::string demonstration = (project / "fixtures/campaigns/no_return.toml").string();

}  // namespace swiperig
