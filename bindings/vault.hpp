// Whole messages of declared test cards, sealed, beside the trace: DIR/vault. Text, one line a record:
//
//   swiperig vault 1|RUN|SALT|MARK|PREFIX TPDU HEADER       the run; hex; the key's mark; how its frames are cut
//   NUMBER|EVENT|AT_NS|CONNECTION|FROM|SEALED               from 1; the event that tells the message, 0: none did; hex
//
// SEALED is AES-256-GCM (rig/seal.hpp) of the frame; beside it are proved the chain before the line and what of the
// line stands before it. The chain is SHA-256 from 32 zero bytes over the lines (rig/digest.hpp); its end and the
// number of messages are in the trace when the run ends in order. PIN blocks, chip data and keys are gone before
// anything is sealed, and a message of any other card is not taken at all.
//
// DIR/vault.access has a line for every opening, written and on the disk before anything is shown:
//
//   swiperig vault access 1|RUN|SIGN
//   NUMBER|UTC|UID USER|WHAT|REASON|SIGN                    SIGN: HMAC-SHA256 of the SIGN before and of the line
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rig/event.hpp"
#include "rig/masked_frame.hpp"
#include "rig/seal.hpp"
#include "rig/tap.hpp"
#include "rig/trace.hpp"

namespace swiperig {

struct BenchFile;
class Table;

struct VaultSettings {
  Bytes key;
  TestCards test_cards;
};

/// The [vault] of a bench file. Throws ConfigError.
void read_vault_section(const Table&, BenchFile&);
/// 64 hex digits in a file of this user that no other may read. Nothing of it is told.
Bytes read_vault_key(const std::string& path);

/// A tap that keeps whole messages and hands everything else on.
class Vault final : public Tap {
 public:
  /// Makes `directory`/vault and its access log. Throws TraceError.
  Vault(const std::string& directory, const std::string& run, const VaultSettings&, Framing,
        std::shared_ptr<Tap> onward);
  ~Vault() override;
  void take(const UsbTransfer& transfer) override { onward_->take(transfer); }
  void take(const NetworkFrame& frame) override { onward_->take(frame); }
  void take_whole(std::uint32_t connection, bool from_terminal, BytesView frame, Time at) override;
  /// An event of the trace: the message that it tells is sealed under its number.
  void event(const Event&);
  /// No message comes any more. What could not be written; "": all was.
  std::string finish();
  const VaultHead& head() const { return head_; }

 private:
  struct Waiting {
    std::uint32_t connection;
    bool from_terminal;
    Time at;
    Bytes frame;
    std::string mti, stan;
  };
  void seal(std::uint64_t event, Waiting);
  void write(const std::string& line);

  std::string path_;
  VaultSettings settings_;
  Framing framing_;
  std::shared_ptr<Tap> onward_;
  std::unique_ptr<Seal> seal_;
  int file_ = -1;
  std::string failed_;
  VaultHead head_;
  std::deque<Waiting> waiting_;                 ///< for the event that tells them
  std::map<std::uint32_t, std::string> asked_;  ///< STAN of a test card's request, by connection
};

struct StoredMessage {
  std::uint64_t number = 0, event = 0;
  std::int64_t at_ns = 0;
  std::uint32_t connection = 0;
  bool from_terminal = true;
  Bytes sealed;
  std::string beside;  ///< what is proved with it
};

/// A vault read back without its key. Throws TraceError with file and line.
struct StoredVault {
  explicit StoredVault(const std::string& directory);
  std::string path, run, mark;
  Bytes salt;
  Framing framing;
  VaultHead head;  ///< as its lines are
  std::vector<StoredMessage> messages;
};

/// Throws TraceError where the vault beside a trace is not the one that the trace names; "": there is none and was
/// none, else what is known of it.
std::string prove_vault(const std::string& directory, const std::string& run, const std::string& trace_head,
                        const std::optional<VaultHead>& named);

struct VaultOptions {
  std::string directory, key, reason;
  std::optional<std::uint64_t> event;
};
/// The verb: proves, logs, then shows. Throws ConfigError or TraceError.
int open_vault(const VaultOptions&);

}  // namespace swiperig
