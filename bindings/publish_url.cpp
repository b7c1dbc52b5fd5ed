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
  throw ConfigError("\"" + url + "\": " + why + "; expected ipc:///FOLDER/NAME or tcp://127.0.0.1:PORT");
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

Endpoints tcp_endpoints(const std::string& url) {
  const auto colon = url.rfind(':');
  const std::string host = url.substr(tcp.size(), std::max(colon, tcp.size()) - tcp.size());
  if (host != "127.0.0.1" && host != "[::1]") {
    throw ConfigError("\"" + url +
                      "\": beyond this machine a run is published with keys only, and there are none yet " +
                      "(CURVE comes later): use tcp://127.0.0.1:PORT or ipc:// and forward it, for example by ssh -L");
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
  if (somebody_at(path)) throw ConfigError(path + ": somebody publishes there already; name another");
}

}  // namespace

Endpoints endpoints_of(const std::string& url) {
  if (url.starts_with(ipc)) return ipc_endpoints(url);
  if (url.starts_with(tcp)) return tcp_endpoints(url);
  refuse(url, "not an address to publish at");
}

Endpoints private_endpoints(const std::string& url) {
  const Endpoints at = endpoints_of(url);
  if (url.starts_with(ipc)) {
    own_folder(fs::path(path_of(url)).parent_path().string(), "follow the run");
    check_free(path_of(at.live));
    check_free(path_of(at.backfill));
  }
  return at;
}

}  // namespace swiperig
