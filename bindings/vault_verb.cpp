// `swiperig vault`: whole messages of test cards, shown to the holder of the key after it was logged who wanted them.
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string_view>

#include "bindings/config.hpp"
#include "bindings/vault.hpp"
#include "reports/visible.hpp"
#include "rig/clock.hpp"
#include "rig/mask.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

constexpr std::size_t kLongestReason = 200, kLongestLog = 16 << 20;

std::string utc(std::int64_t wall_s) {
  const std::chrono::sys_seconds at{std::chrono::seconds(wall_s)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

std::string who() {
  const uid_t uid = ::getuid();
  const passwd* known = ::getpwuid(uid);
  std::string name = known != nullptr ? visible(known->pw_name) : "?";
  std::replace(name.begin(), name.end(), '|', '?');
  return std::to_string(uid) + " " + name;
}

/// The log, locked while it is looked at and written.
class AccessLog {
 public:
  AccessLog(const std::string& path, const std::string& run, const Seal& seal) : path_(path), seal_(seal) {
    file_ = ::open(path.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (file_ < 0) fail("nothing is shown without its access log: " + std::string(std::strerror(errno)));
    try {
      if (::flock(file_, LOCK_EX) != 0) fail(std::strerror(errno));
      check(run);
    } catch (...) {
      ::close(file_);
      throw;
    }
  }
  ~AccessLog() { ::close(file_); }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// On the disk when it returns.
  void add(const std::string& what, const std::string& reason) {
    const std::string line =
        std::to_string(lines_) + "|" + utc(wall_clock_s()) + "|" + who() + "|" + what + "|" + reason;
    const std::string whole = line + "|" + signed_line(line) + "\n";
    const ssize_t n = ::write(file_, whole.data(), whole.size());
    if (n != static_cast<ssize_t>(whole.size()) || ::fsync(file_) != 0) {
      fail(std::string("cannot be written, so nothing is shown: ") + std::strerror(errno));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw TraceError(path_ + ": " + what); }

  std::string signed_line(std::string_view line) const {
    return to_hex(seal_.sign(bytes_of(last_ + std::string(line))));
  }

  void check(const std::string& run) {
    std::string text;
    char part[4096];
    for (;;) {
      const ssize_t n = ::read(file_, part, sizeof part);
      if (n < 0) fail(std::strerror(errno));
      if (n == 0) break;
      text.append(part, static_cast<std::size_t>(n));
      if (text.size() > kLongestLog) fail("longer than any access log");
    }
    for (std::size_t at = 0; at < text.size(); ++lines_) {
      const std::size_t end = text.find('\n', at);
      const std::string where = path_ + ":" + std::to_string(lines_ + 1) + ":1: ";
      if (end == text.npos) throw TraceError(where + "truncated: the line has no end");
      const std::string line = text.substr(at, end - at);
      const std::size_t sign = std::min(line.rfind('|'), line.size());
      const std::string told = line.substr(0, sign);
      const std::string begins = lines_ == 0 ? "swiperig vault access 1|" + run : std::to_string(lines_) + "|";
      const bool its = lines_ == 0 ? told == begins : told.starts_with(begins);
      if (!its || line.substr(std::min(sign + 1, line.size())) != signed_line(told)) {
        throw TraceError(where + "changed: not what was logged there");
      }
      last_ = line.substr(sign + 1);
      at = end + 1;
    }
    if (lines_ == 0) fail("truncated: nothing is in it");
  }

  std::string path_;
  const Seal& seal_;
  int file_ = -1;
  std::size_t lines_ = 0;
  std::string last_;  ///< the sign of the line before
};

void show(const StoredMessage& m, const Framing& framing, BytesView frame) {
  std::printf("%s at %.6f s, connection %u, from the %s\n",
              m.event == 0 ? "no event" : ("event " + std::to_string(m.event)).c_str(),
              static_cast<double>(m.at_ns) / 1e9, m.connection, m.from_terminal ? "terminal" : "host");
  Message message;
  if (!unpack(frame.subspan(prefix_bytes(framing)), framing, message)) {
    std::printf("  mti  %s\n", std::string(message.mti()).c_str());
    message.for_each([](int number, std::string_view value) {
      const bool text = std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
      std::printf("  %3d  %s\n", number, text ? std::string(value).c_str() : to_hex(bytes_of(value)).c_str());
    });
  }
  std::printf("  frame %s\n", to_hex(frame).c_str());
}

std::string checked_reason(const std::string& reason) {
  const bool plain = std::none_of(reason.begin(), reason.end(),
                                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '|'; });
  if (reason.find_first_not_of(' ') == reason.npos || reason.size() > kLongestReason || !plain) {
    throw ConfigError("--reason: expected why it is opened, one line of at most 200 bytes without \"|\"");
  }
  return scrub(visible(reason));
}

}  // namespace

int open_vault(const VaultOptions& o) {
  const std::string reason = checked_reason(o.reason);
  Bytes key = read_vault_key(o.key);
  const StoredVault vault(o.directory);
  const TraceReader trace(o.directory + "/run.trace");
  const std::string proved = prove_vault(o.directory, trace.run().id, trace.head(), trace.vault());
  const Seal seal(key, vault.salt);
  wipe(key);
  if (to_hex(seal.mark()) != vault.mark) {
    throw ConfigError(o.key + ": a foreign key: " + vault.path + " was sealed under another one");
  }
  std::vector<std::pair<const StoredMessage*, Bytes>> opened;
  for (const StoredMessage& m : vault.messages) {
    if (o.event && m.event != *o.event) continue;
    auto frame = seal.open(m.number, m.sealed, bytes_of(m.beside));
    if (!frame) {
      throw TraceError(vault.path + ":" + std::to_string(m.number + 1) + ":1: changed: it is not what was sealed");
    }
    opened.emplace_back(&m, *std::move(frame));
  }
  if (o.event && opened.empty()) {
    throw ConfigError(vault.path + ": no message of event " + std::to_string(*o.event) +
                      ": expected an event that a test card's message was told by");
  }
  AccessLog log(vault.path + ".access", vault.run, seal);
  log.add(o.event ? "event " + std::to_string(*o.event) : "all " + std::to_string(opened.size()) + " messages", reason);
  std::cout << visible(vault.path) << ": " << proved << "\n" << std::flush;
  for (auto& [message, frame] : opened) {
    show(*message, vault.framing, frame);
    wipe(frame);
  }
  std::fflush(stdout);
  return 0;
}

}  // namespace swiperig
