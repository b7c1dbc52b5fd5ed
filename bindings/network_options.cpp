#include "bindings/network_options.hpp"

#include <algorithm>

#include "rig/alter.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kMostBytes = 4096, kMostOfConnection = 1'000'000'000, kMostBytesPerSecond = 1'000'000'000;

std::vector<std::string> fault_names() {
  return {
#define NETWORK_FAULT(name, upon, text) #name,
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  };
}

/// The keys of one step's network fault, each asked for once.
struct Keys {
  const Table& t;
  const Value& network;
  std::string kind;

  /// A key that this kind of fault must have, may have, or has not.
  enum Need { wanted, allowed, none };
  const Value* find(const char* key, Need need) const { return checked(t.find(key), key, need); }
  const Value* checked(const Value* v, const std::string& key, Need need) const {
    if (v != nullptr && need == none) v->refuse("no " + key + " with " + kind);
    if (v == nullptr && need == wanted) network.refuse(key + " = ... with " + kind);
    return v;
  }
};

std::int64_t& count_of(Case& c, std::size_t number) { return std::get<NetworkFault>(c.steps[number].action).count; }

}  // namespace

NetworkFault read_network_fault(const Table& t, const Value& network, const std::string& when, const Value* lasts,
                                std::size_t number, Sweeps& sweeps) {
  const std::vector<std::string> names = fault_names();
  const Keys keys{t, network, network.word(names)};
  NetworkFault f;
  f.kind = static_cast<NetworkFault::Kind>(std::find(names.begin(), names.end(), keys.kind) - names.begin());
  const bool message = f.upon() == NetworkFault::message;
  const auto is = [&](auto... kinds) { return ((f.kind == kinds) || ...); };
  const auto needed = [](bool condition) { return condition ? Keys::wanted : Keys::none; };

  const Value* after = t.find("after");
  if (is(NetworkFault::cut_after) && (when != "connected" || after != nullptr)) {
    network.refuse("cut_after at connected without after: bytes are counted from there");
  }
  if (message && (!when.ends_with("_entered") ||
                  (after != nullptr && (after->is_table() || after->duration(0ns, 600s).count() != 0)))) {
    network.refuse("a message fault at a ..._entered milestone without after: only there the path decides exactly");
  }
  keys.checked(lasts, "lasts",
               is(NetworkFault::delay)                         ? Keys::wanted
               : is(NetworkFault::reorder) || f.is_condition() ? Keys::allowed
                                                               : Keys::none);
  const auto set_count = [number](Case& c, std::int64_t n) { count_of(c, number) = n; };
  if (const Value* v = keys.find("bytes", needed(is(NetworkFault::cut, NetworkFault::cut_after)))) {
    f.count = sweeps.integer(*v, "# bytes", 1, message ? kMostBytes : kMostOfConnection, set_count);
  }
  if (const Value* v = keys.find("sender", needed(is(NetworkFault::cut_after)))) {
    f.sender = v->word({"terminal", "host"}) == "terminal" ? NetworkFault::terminal : NetworkFault::host;
  }
  if (const Value* v = keys.find("bytes_per_s", needed(is(NetworkFault::rate)))) {
    f.count = sweeps.integer(*v, "# bytes/s", 1, kMostBytesPerSecond, set_count);
  }
  if (const Value* v = keys.find("wait", needed(is(NetworkFault::jitter, NetworkFault::accept_slow)))) {
    const auto set = [number](Case& c, std::int64_t ns) {
      std::get<NetworkFault>(c.steps[number].action).wait = Duration(ns);
    };
    f.wait = sweeps.duration(*v, "waiting #", 1ms, 120s, set);
  }
  if (const Value* v = keys.find("then", is(NetworkFault::cut, NetworkFault::cut_after) ? Keys::allowed : Keys::none)) {
    const std::string then = v->word({"silence", "fin", "reset"});
    f.then = then == "fin" ? NetworkFault::in_order : then == "reset" ? NetworkFault::broken : NetworkFault::silence;
  }
  const bool ends = is(NetworkFault::fin, NetworkFault::reset) || f.then != NetworkFault::silence;
  if (const Value* v = keys.find("side", ends ? Keys::allowed : Keys::none)) {
    const std::string side = v->word({"both", "terminal", "host"});
    f.side = side == "terminal" ? NetworkFault::terminal : side == "host" ? NetworkFault::host : NetworkFault::both;
  }
  if (const Value* v = keys.find("what", needed(is(NetworkFault::alter)))) {
    f.what = v->word(std::vector<std::string>(std::begin(alterations), std::end(alterations)));
  }
  if (const Value* v = keys.find("bit", needed(f.what == "bit"))) {
    f.count = sweeps.integer(*v, "bit #", 0, kMostBytes * 8 - 1, set_count);
  }
  if (is(NetworkFault::replay) && when.find("response_") == std::string::npos) {
    network.refuse("replay where the host's messages enter, ...response_entered");
  }
  return f;
}

std::string refusal_over_tcp(const NetworkFault& fault) {
  switch (fault.kind) {
    case NetworkFault::unanswered:
    case NetworkFault::accept_slow:
      return "a relay over TCP cannot withhold a SYN-ACK: the kernel has sent it before the relay hears of the caller";
    case NetworkFault::refused:
      return "a relay over TCP cannot refuse from one caller to the next without losing its port; host = \"refuse\" "
             "can";
    case NetworkFault::unresolved: return "a relay over TCP does not answer name queries";
    default: return "";
  }
}

}  // namespace swiperig
