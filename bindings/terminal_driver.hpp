// What a bench's terminal is heard through: the driver that its bench file names.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "bindings/bench_file.hpp"
#include "drivers/link_tcp.hpp"
#include "drivers/terminal_adb.hpp"
#include "drivers/terminal_ecr.hpp"

namespace swiperig {

/// What a capture must know of the terminal's language; null: nothing that its text does not say.
inline std::shared_ptr<const TerminalLink> words_of(const TerminalLink& link) {
  const bool plain = link.masks.empty() && !link.framing.binary && link.framing.kind != EcrFraming::Kind::hid_report;
  return plain ? nullptr : std::make_shared<const TerminalLink>(link);
}

/// Its register link, or its debugging port.
struct TerminalDriver {
  TerminalDriver(Clock& clock, const BenchFile& file, std::unique_ptr<Link> link) {
    const TerminalProfile& p = file.profile;
    if (!file.adb_serial) {
      ecr.emplace(clock, std::move(link), p.rules, p.link);
      return;
    }
    AdbSettings settings{*file.adb_serial, p.package, p.log_filter};
    auto server = tcp_dialer(clock, file.terminal.address, file.terminal.port);
    adb.emplace(clock, std::move(server), std::move(settings), p.rules, p.link.masks);
  }
  Capture* capture() { return ecr ? static_cast<Capture*>(&*ecr) : &*adb; }
  Task<> serve() { return ecr ? ecr->serve() : adb->serve(); }
  void close() {
    if (ecr) ecr->close();
    if (adb) adb->close();
  }
  std::optional<TerminalEcr> ecr;
  std::optional<TerminalAdb> adb;
};

}  // namespace swiperig
