#include "bindings/vault.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "bindings/durable_file.hpp"
#include "rig/random.hpp"
#include "rig/trace_file.hpp"
#include "rig/track.hpp"

namespace swiperig {

namespace {

constexpr std::string_view kTitle = "swiperig vault 1";
constexpr std::size_t kMostWaiting = 64;  // for an event that does not come

std::string text_of_framing(const Framing& f) {
  return std::to_string(static_cast<int>(f.prefix)) + (f.tpdu ? " 1 " : " 0 ") + std::to_string(f.header_bytes);
}

/// As text_of_framing wrote it.
std::optional<Framing> read_framing(std::string_view text) {
  for (int prefix = 0; prefix <= static_cast<int>(LengthPrefix::ascii4); ++prefix) {
    for (std::uint8_t header = 0; header <= 6; ++header) {
      for (const bool tpdu : {false, true}) {
        const Framing f{static_cast<LengthPrefix>(prefix), tpdu, header};
        if (text_of_framing(f) == text) return f;
      }
    }
  }
  return std::nullopt;
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

template <std::size_t N>
bool split(std::string_view line, std::array<std::string_view, N>& parts) {
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t end = line.find('|');
    if ((end == line.npos) != (i + 1 == N)) return false;
    parts[i] = line.substr(0, end);
    line.remove_prefix(std::min(line.size(), parts[i].size() + 1));
  }
  return true;
}

/// What is proved with a message: all before it, and what of its own line is in the clear.
std::string beside_of(const Digest& before, std::string_view clear) {
  return std::string(text_of(before)).append(clear);
}

}  // namespace

Bytes read_vault_key(const std::string& path) {
  const std::string make = "; `(umask 077; openssl rand -hex 32 > FILE)` makes one";
  if (!std::filesystem::is_regular_file(path)) throw ConfigError(path + ": expected a vault's key file" + make);
  if (!is_only_ours(path)) {
    throw ConfigError(path + ": others can read this key: expected a file of your own with mode 0600");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(2 * Seal::kKeyBytes + 2, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.ends_with('\n')) text.pop_back();
  auto key = from_hex(text);
  if (!key || key->size() != Seal::kKeyBytes) throw ConfigError(path + ":1:1: expected a key of 64 hex digits" + make);
  return *std::move(key);
}

void read_vault_section(const Table& section, BenchFile& b) {
  const Value& key = section.at("key_file");
  const Value& cards = section.at("test_cards");
  if (b.is_virtual) key.refuse("no [vault]: a virtual bench keeps no messages beside its trace");
  if (b.relay.opaque) key.refuse("no [vault] where tls = \"opaque\": no message is seen");
  VaultSettings& vault = b.vault.emplace();
  const std::string file = beside(key);
  try {
    vault.key = read_vault_key(file);
  } catch (const ConfigError& e) {
    throw ConfigError(key.where() + ": " + e.what());
  }
  for (const Value& card : cards.array()) {
    const std::string number = card.text();
    const bool whole = number.size() >= 13 && number.size() <= 19 && luhn_valid(number);
    if (!whole || !vault.test_cards.insert(number).second) {
      // the value itself is not told, as refuse would
      throw ConfigError(card.where() + ": expected the whole number of a test card, each once");
    }
  }
  if (vault.test_cards.empty()) cards.refuse("at least one number of a test card");
  section.nothing_else();
}

Vault::Vault(const std::string& directory, const std::string& run, const VaultSettings& settings, Framing framing,
             std::shared_ptr<Tap> onward)
    : path_(directory + "/vault"), settings_(settings), framing_(framing), onward_(std::move(onward)) {
  const auto salt = fresh_salt();
  seal_ = std::make_unique<Seal>(settings_.key, salt);
  wipe(settings_.key);
  const std::string access = "swiperig vault access 1|" + run;
  try {
    write_new(path_ + ".access", access + "|" + to_hex(seal_->sign(bytes_of(access))) + "\n", 0600);
    write_new(path_, "", 0600);
  } catch (const ConfigError& e) {
    throw TraceError(e.what());
  }
  file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
  if (file_ < 0) throw TraceError(path_ + ": cannot be written: " + std::strerror(errno));
  write(std::string(kTitle) + "|" + run + "|" + to_hex(salt) + "|" + to_hex(seal_->mark()) + "|" +
        text_of_framing(framing_));
}

Vault::~Vault() {
  for (Waiting& w : waiting_) wipe(w.frame);
  if (file_ >= 0) ::close(file_);
}

void Vault::write(const std::string& line) {
  if (!failed_.empty()) return;
  const std::string whole = line + "\n";
  for (std::string_view rest = whole; !rest.empty();) {
    const ssize_t n = ::write(file_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      failed_ = path_ + ": could not be written to its end: " + std::strerror(errno);
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  chain(head_.sha256, line);
}

void Vault::take_whole(std::uint32_t connection, bool from_terminal, BytesView frame, Time at) {
  Message message;
  const std::size_t prefix = prefix_bytes(framing_);
  if (frame.size() <= prefix || unpack(frame.subspan(prefix), framing_, message)) return;
  const std::string stan(message.field(11));
  const auto asked = asked_.find(connection);
  const bool answers = !from_terminal && !is_request(message.mti()) && asked != asked_.end() && asked->second == stan;
  auto kept = test_card_frame(frame, framing_, settings_.test_cards, answers);
  if (from_terminal) {
    asked_.erase(connection);
    if (kept) asked_[connection] = stan;
  }
  if (!kept) return;
  waiting_.push_back({connection, from_terminal, at, *std::move(kept), std::string(message.mti()), stan});
  if (waiting_.size() <= kMostWaiting) return;
  seal(0, std::move(waiting_.front()));
  waiting_.pop_front();
}

void Vault::event(const Event& e) {
  const auto* m = std::get_if<Milestone>(&e.body);
  if (e.source != Source::network || m == nullptr || waiting_.empty() || !m->name.ends_with("_entered")) return;
  // a reversal is told under the number of its original, and its own beside it where that is another
  const std::string_view own = field(m->fields, "own_stan");
  const std::string_view number = own.empty() ? field(m->fields, "stan") : own;
  const auto its = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return std::to_string(w.connection) == field(m->fields, "connection") && w.mti == field(m->fields, "mti") &&
           w.stan == number;
  });
  if (its == waiting_.end()) return;
  seal(e.seq, std::move(*its));
  waiting_.erase(its);
}

void Vault::seal(std::uint64_t event, Waiting w) {
  const auto number = static_cast<std::uint64_t>(++head_.messages);
  const std::string clear = std::to_string(number) + "|" + std::to_string(event) + "|" +
                            std::to_string(w.at.time_since_epoch().count()) + "|" + std::to_string(w.connection) +
                            (w.from_terminal ? "|terminal|" : "|host|");
  const Bytes sealed = seal_->close(number, w.frame, bytes_of(beside_of(head_.sha256, clear)));
  wipe(w.frame);
  write(clear + to_hex(sealed));
}

std::string Vault::finish() {
  for (; !waiting_.empty(); waiting_.pop_front()) seal(0, std::move(waiting_.front()));
  if (failed_.empty() && ::fsync(file_) != 0) {
    failed_ = path_ + ": could not be made durable: " + std::strerror(errno);
  }
  return failed_;
}

StoredVault::StoredVault(const std::string& directory) : path(directory + "/vault") {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw TraceError(path + ": there is no vault that can be read");
  std::size_t number = 0;
  const auto refuse = [&](const std::string& expected) {
    throw TraceError(path + ":" + std::to_string(number) + ":1: not as it was written: expected " + expected);
  };
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (file.eof()) throw TraceError(path + ":" + std::to_string(number) + ":1: truncated: the line has no end");
    const Digest before = head.sha256;
    chain(head.sha256, line);
    if (number == 1) {
      std::array<std::string_view, 5> p;
      if (!split(line, p) || p[0] != kTitle) refuse("a vault of version 1");
      const auto hex_salt = from_hex(p[2]);
      const auto cut = read_framing(p[4]);
      if (!hex_salt || !cut) refuse("salt and framing");
      run = p[1];
      salt = *hex_salt;
      mark = p[3];
      framing = *cut;
      continue;
    }
    std::array<std::string_view, 6> p;
    StoredMessage m;
    const bool is_one = split(line, p) && read_number(p[0], m.number) && read_number(p[1], m.event) &&
                        read_number(p[2], m.at_ns) && read_number(p[3], m.connection) &&
                        (p[4] == "terminal" || p[4] == "host");
    const auto sealed = is_one ? from_hex(p[5]) : std::nullopt;
    if (!sealed || m.number != number - 1) refuse("message " + std::to_string(number - 1));
    m.from_terminal = p[4] == "terminal";
    m.sealed = *sealed;
    m.beside = beside_of(before, std::string_view(line).substr(0, line.size() - p[5].size()));
    messages.push_back(std::move(m));
    ++head.messages;
  }
  if (number == 0) throw TraceError(path + ":1:1: truncated: nothing is in it");
}

std::string prove_vault(const std::string& directory, const std::string& run, const std::string& trace_head,
                        const std::optional<VaultHead>& named) {
  const std::string path = directory + "/vault";
  std::error_code ignored;
  if (!named && !std::filesystem::exists(path, ignored)) return "";
  const StoredVault vault(directory);
  if (vault.run != run) throw TraceError(path + ":1:1: the vault of another run, " + vault.run);
  const std::string has = std::to_string(vault.head.messages) + " messages";
  if (!named && trace_head.empty()) return has + "; the run did not end in order: nothing proves that they are all";
  if (!named) throw TraceError(path + ": its trace names no vault");
  if (vault.head == *named) return has + ", sha256 " + hex(named->sha256);
  if (vault.head.messages < named->messages) {
    throw TraceError(path + ": truncated: " + has + ", and its trace names " + std::to_string(named->messages));
  }
  throw TraceError(path + ": changed: its lines are not those whose sha256 its trace names");
}

}  // namespace swiperig
