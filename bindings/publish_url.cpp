#include "bindings/publish_url.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "bindings/config.hpp"
#include "bindings/runtime_folder.hpp"

namespace swiperig {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view ipc = "ipc://", tcp = "tcp://", beside = ".backfill";

[[noreturn]] void refuse(const std::string& url, const std::string& why) {
  throw ConfigError("\"" + url + "\": " + why + "; expected ipc:///FOLDER/NAME, or with keys tcp://HOST:PORT");
}

std::string path_of(const std::string& url) { return url.substr(ipc.size()); }

Endpoints ipc_endpoints(const std::string& url) {
  const std::string path = path_of(url);
  if (path.empty() || path[0] != '/') refuse(url, "a path from the root is missing");
  if (path.back() == '/' || path.find('\0') != std::string::npos) refuse(url, "a name is missing behind the folder");
  if (path.size() + beside.size() >= sizeof(sockaddr_un::sun_path)) {
    refuse(url, "a path of " + std::to_string(path.size()) + " bytes, at most " +
                    std::to_string(sizeof(sockaddr_un::sun_path) - beside.size() - 1) + " fit");
  }
  return {url, url + std::string(beside)};
}

Endpoints tcp_endpoints(const std::string& url, bool with_keys) {
  if (!with_keys) {
    throw ConfigError("\"" + url +
                      "\": over TCP nobody is let in without keys (CURVE): `swiperig keys new NAME` makes " +
                      "some, `swiperig keys allow` lists who may come, and --key NAME.key_secret uses them; or use " +
                      "ipc:///FOLDER/NAME");
  }
  const auto colon = url.rfind(':');
  const std::string host = url.substr(tcp.size(), std::max(colon, tcp.size()) - tcp.size());
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  const bool six = host.size() > 2 && host.front() == '[' && host.back() == ']' &&
                   host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  if (host.empty() || (host != "*" && !six && !std::all_of(host.begin(), host.end(), fits))) {
    refuse(url, "an address is missing before the port (192.0.2.7, [2001:db8::7], or * for all of this machine)");
  }
  int port = 0;
  const char* end = url.data() + url.size();
  const auto read = std::from_chars(url.data() + colon + 1, end, port);
  if (read.ec != std::errc() || read.ptr != end || port < 1 || port > 65534) {
    refuse(url, "a port from 1 to 65534 is missing (the next one is for the back-fill)");
  }
  const std::string before = url.substr(0, colon + 1);
  return {before + std::to_string(port), before + std::to_string(port + 1)};
}

bool somebody_at(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path, path.data(), path.size());
  const bool answered = connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 || errno == EAGAIN;
  close(fd);
  return answered;
}

/// ZeroMQ removes whatever is in the way of a socket.
void check_free(const std::string& path) {
  struct stat at = {};
  if (lstat(path.c_str(), &at) != 0) return;
  if (!S_ISSOCK(at.st_mode)) throw ConfigError(path + ": a file is in the way of the socket; name another");
  if (somebody_at(path))
    throw ConfigError(path + ": somebody publishes there already, or is reached there; name another");
}

}  // namespace

Endpoints endpoints_of(const std::string& url, bool with_keys) {
  if (url.starts_with(ipc)) return ipc_endpoints(url);
  if (url.starts_with(tcp)) return tcp_endpoints(url, with_keys);
  refuse(url, "not an address");
}

Endpoints private_endpoints(const std::string& url, bool with_keys) {
  const Endpoints at = endpoints_of(url, with_keys);
  if (url.starts_with(ipc)) {
    own_folder(fs::path(path_of(url)).parent_path().string(), "follow the run");
    check_free(path_of(at.live));
    check_free(path_of(at.backfill));
  }
  return at;
}

void check_private(const std::string& url, bool with_keys) {
  endpoints_of(url, with_keys);
  if (!url.starts_with(ipc)) return;
  own_folder(fs::path(path_of(url)).parent_path().string(), "move the bench");
  check_free(path_of(url));
}

}  // namespace swiperig
