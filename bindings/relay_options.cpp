#include "bindings/relay_options.hpp"

#include <sys/resource.h>

#include <chrono>

#include "bindings/durable_file.hpp"
#include "drivers/link_tls.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

/// Of a message that the path would have to read.
bool is_of_a_message(std::string_view milestone) {
  return milestone.ends_with("_entered") || milestone.ends_with("_left");
}

/// A file in PEM, named in the bench file, that TLS takes.
template <class Make>
auto taken(const Value& at, Make make) {
  try {
    return make();
  } catch (const TlsError& e) {
    at.refuse(std::string("a file that TLS takes: ") + e.what());
  }
}

/// A key is its owner's alone.
std::string key_file(const Value& v) {
  std::string file = beside(v);
  if (!is_only_ours(file)) {
    v.refuse("a key of this user that no other may read: chmod 600 " + file);
  }
  return file;
}

void read_test_trust(const Table& network, BenchFile& b) {
  const Value& certificate = network.at("certificate");
  const Value& key = network.at("key");
  const Value& host_ca = network.at("host_ca");
  const Value* host_name = network.find("host_name");
  const std::string shown = beside(certificate), shown_key = key_file(key), ca = beside(host_ca);
  const std::string name = host_name == nullptr ? b.host_side.address : host_name->text();
  if (name.empty()) host_name->refuse("the name that the host's certificate is for");
  b.relay.terminal_tls = taken(certificate, [&] { return TlsEnd::server(shown, shown_key); });
  b.relay.host_tls = taken(host_ca, [&] { return TlsEnd::client(ca, name); });
}

/// Two descriptors for each connection, and what else a bench has open.
rlim_t descriptors(const BenchFile& b) { return b.relay.most_connections * 2 + 64; }

}  // namespace

void read_relay(const Table& network, BenchFile& b) {
  if (const Value* v = network.find("hold_max")) b.hold_max = v->duration(1ms, 600s);
  if (const Value* v = network.find("connections")) {
    b.relay.most_connections = static_cast<std::size_t>(v->integer(1, 10'000));
  }
  rlimit open = {};
  if (b.host_side.scheme == "tcp" && getrlimit(RLIMIT_NOFILE, &open) == 0 && open.rlim_max < descriptors(b)) {
    const Value* told = network.find("connections");
    (told != nullptr ? *told : network.at("host_side"))
        .refuse("no more connections than this machine lets a process have open: " + std::to_string(descriptors(b)) +
                " descriptors for " + std::to_string(b.relay.most_connections) + " connections, and the limit is " +
                std::to_string(open.rlim_max) + " (ulimit -n; or fewer connections = ...)");
  }
  const Value* tls = network.find("tls");
  const std::string word = tls == nullptr ? "plaintext" : tls->word({"plaintext", "test_trust", "opaque"});
  if (word == "test_trust" && b.host_side.scheme == "virtual") {
    tls->refuse("\"plaintext\" or \"opaque\": the stand-ins of a virtual bench speak no TLS");
  }
  if (word == "test_trust") return read_test_trust(network, b);
  b.relay.opaque = word == "opaque";
  for (const char* key : {"certificate", "key", "host_ca", "host_name"}) {
    if (const Value* v = network.find(key)) v->refuse(std::string("no ") + key + " without tls = \"test_trust\"");
  }
}

void make_room(const BenchFile& b) {
  rlimit open = {};
  if (getrlimit(RLIMIT_NOFILE, &open) != 0 || open.rlim_cur >= descriptors(b)) return;
  open.rlim_cur = descriptors(b);
  setrlimit(RLIMIT_NOFILE, &open);  // the hard limit was looked at when the file was read
}

bool relay_sees(std::string_view milestone, const BenchFile& b) {
  return !b.relay.opaque || !(is_of_a_message(milestone) || milestone == "garbage");
}

std::string relay_refusal(const Step& s, const BenchFile& b) {
  if (!relay_sees(s.when, b)) {
    return "no message is seen where tls = \"opaque\": expected a milestone of the host, the terminal or a connection "
           "instead of " +
           s.when;
  }
  const auto* fault = std::get_if<NetworkFault>(&s.action);
  if (fault == nullptr) return {};
  if (b.relay.opaque && (fault->upon() == NetworkFault::message || fault->kind == NetworkFault::jitter)) {
    return std::string(to_string(fault->kind)) + " is done to messages, and none is seen where tls = \"opaque\"";
  }
  if (!b.relay.opaque && fault->upon() == NetworkFault::connection) {
    return std::string(to_string(fault->kind)) +
           " is done to bytes in which no message is seen, tls = \"opaque\"; here messages are: cut at the one's "
           "..._entered that it shall meet";
  }
  const bool holds = fault->kind == NetworkFault::delay || fault->kind == NetworkFault::reorder;
  if (holds && b.hold_max.count() != 0 && fault->lasts > b.hold_max) {
    return "it holds a message for " + to_text(fault->lasts) + ": expected at most the bench's hold_max, " +
           to_text(b.hold_max);
  }
  return {};
}

std::string relay_text(const BenchFile& b) {
  std::string text = b.relay.opaque ? "TLS passes unread: no message is seen, none is met by a fault" : "no TLS";
  if (b.relay.terminal_tls) {
    text = "TLS ends here; its certificate lasts " + std::to_string(b.relay.terminal_tls->days_left()) +
           " days more; the host is " + b.relay.host_tls->peer() + " under " + b.relay.host_tls->ca();
  }
  return text + "; messages are held for " +
         (b.hold_max.count() == 0 ? "half of the terminal's time-out" : to_text(b.hold_max)) + " at most; " +
         std::to_string(b.relay.most_connections) + " connections";
}

}  // namespace swiperig
