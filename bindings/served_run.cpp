#include "bindings/served_run.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "bindings/bench_file.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "bindings/runtime_folder.hpp"
#include "drivers/bench_lock.hpp"
#include "rig/bytes.hpp"
#include "rig/clock.hpp"
#include "rig/digest.hpp"

namespace swiperig {
namespace {

namespace json = boost::json;

constexpr double kStopLimit_s = 90;  // above what a guardian takes

std::string line_of(const json::object& object) { return json::serialize(object) + "\n"; }

/// A connected socket, or -1 where nobody listens.
int call(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) return -1;
  std::memcpy(at.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

bool say(int fd, const std::string& line) {
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t n = ::send(fd, line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

/// Prints what the server says; the exit code once it is told.
std::optional<int> print(const std::string& line) {
  boost::system::error_code error;
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // a piece may begin or end within a character
  const json::value said = json::parse(line, error, {}, options);
  if (error || !said.is_object()) return std::nullopt;
  const json::object& object = said.get_object();
  if (const auto* out = object.if_contains("out"); out != nullptr && out->is_string()) {
    std::cout << std::string_view(out->get_string()) << std::flush;
  }
  if (const auto* err = object.if_contains("err"); err != nullptr && err->is_string()) {
    std::cerr << std::string_view(err->get_string());
  }
  if (const auto* code = object.if_contains("exit"); code != nullptr && code->is_int64()) {
    return static_cast<int>(code->get_int64());
  }
  return std::nullopt;
}

}  // namespace

std::string to_line(const ServeRequest& request) {
  const RunOptions& o = request.options;
  json::object run = {{"campaign", o.campaign},
                      {"host", o.host},
                      {"out", o.out},
                      {"terminal", o.terminal},
                      {"publish", o.publish},
                      {"folder", request.folder},
                      {"defect", o.defect},
                      {"bench", o.bench},
                      {"seed", o.seed},
                      {"linger_ns", o.linger.count()},
                      {"key", o.key}};
  if (o.cycles) run["cycles"] = *o.cycles;
  return line_of({{"run", std::move(run)}});
}

std::variant<ServeRequest, std::string> parse_request(std::string_view line) {
  boost::system::error_code error;
  const json::value said = json::parse(line, error);
  if (error || !said.is_object()) return "expected a line of JSON";
  const auto* run = said.get_object().if_contains("run");
  if (run == nullptr || !run->is_object() || said.get_object().size() != 1) return "expected {\"run\":{...}}";
  ServeRequest request;
  RunOptions& o = request.options;
  const std::pair<std::string_view, std::string*> texts[] = {
      {"campaign", &o.campaign},   {"host", &o.host},       {"out", &o.out},
      {"terminal", &o.terminal},   {"publish", &o.publish}, {"defect", &o.defect},
      {"folder", &request.folder}, {"bench", &o.bench},     {"key", &o.key}};
  for (const auto& [key, value] : run->get_object()) {
    bool known = false;
    for (const auto& [name, into] : texts) {
      if (key != name || !value.is_string()) continue;
      *into = std::string(value.get_string());
      known = true;
    }
    const bool whole = value.is_int64() && value.get_int64() >= 0;
    if (key == "seed" && (whole || value.is_uint64())) {
      o.seed = value.to_number<std::uint64_t>();
    } else if (key == "linger_ns" && whole) {
      o.linger = Duration(value.get_int64());
    } else if (key == "cycles" && whole && value.get_int64() > 0) {
      o.cycles = value.get_int64();
    } else if (!known) {
      return "\"" + std::string(key) + "\" is no option of a run, or not of its kind";
    }
  }
  if (o.campaign.empty() || request.folder.empty() || request.folder[0] != '/')
    return "expected a campaign and a folder";
  return request;
}

std::string words_line(const char* stream, std::string_view words) { return line_of({{stream, words}}); }

std::string exit_line(int code) { return line_of({{"exit", code}}); }

std::string serve_socket(const BenchFile& bench) {
  const std::string name = lock_name(device_of(bench.actuator));
  return runtime_folder() + "/" + to_hex(sha256(bytes_of(name))).substr(0, 16) + ".serve";
}

std::optional<int> run_where_served(const RunOptions& options, const std::atomic<bool>& stop) {
  RunOptions run = options;
  if (run.bench.empty()) run.bench = read_campaign(run.campaign).bench;
  if (run.bench.empty()) return std::nullopt;
  const BenchFile bench = read_bench(run.bench, run.terminal);
  if (bench.is_virtual) return std::nullopt;
  const int server = call(serve_socket(bench));
  if (server < 0) return std::nullopt;
  run.bench = std::filesystem::canonical(run.bench).string();
  say(server, to_line({run, std::filesystem::current_path().string()}));  // who turns us away says so unasked
  bool heard = true;
  std::optional<int> code;
  std::string text;
  double asked_s = 0;
  while (heard && !code) {
    if (stop.load() && asked_s == 0) {
      asked_s = machine_seconds();
      say(server, "{\"stop\":true}\n");
    }
    if (asked_s != 0 && machine_seconds() - asked_s > kStopLimit_s) {
      std::cerr << "swiperig: the controller that serves the bench does not stop: look at the bench\n";
      break;
    }
    pollfd ready{server, POLLIN, 0};
    if (::poll(&ready, 1, 50) != 1) continue;
    std::array<char, 65536> some;
    const ssize_t n = ::recv(server, some.data(), some.size(), 0);
    heard = n > 0;
    if (heard) text.append(some.data(), static_cast<std::size_t>(n));
    for (std::size_t end = text.find('\n'); end != text.npos && !code; end = text.find('\n')) {
      code = print(text.substr(0, end));
      text.erase(0, end + 1);
    }
  }
  ::close(server);
  if (!code)
    std::cerr << "swiperig: the controller that serves the bench has ended; its guardian makes the bench safe\n";
  return code.value_or(3);
}

}  // namespace swiperig
