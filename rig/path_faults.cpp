// What the path does to a message on which a fault is armed, and how a line with a rate or with jitter carries it.
#include <algorithm>

#include "rig/alter.hpp"
#include "rig/path.hpp"

namespace swiperig {

namespace {

constexpr std::uint32_t kJitterSource = 0x4a495400;  // the number of the message is added
constexpr std::int64_t kPiecesPerSecond = 20;        // of what goes on over a slow line

Reception reception(NetworkFault::Kind kind) {
  switch (kind) {
    case NetworkFault::unanswered: return Reception::unanswered;
    case NetworkFault::refused: return Reception::refused;
    case NetworkFault::unresolved: return Reception::unresolved;
    case NetworkFault::accept_reset: return Reception::reset;
    case NetworkFault::accept_slow: return Reception::slow;
    default: return Reception::open;
  }
}

}  // namespace

Reception reception_of(std::string_view door) {
#define NETWORK_FAULT(name, upon, text) \
  if (door == #name) return reception(NetworkFault::name);
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  return Reception::open;
}

void Path::strike(const ArmedStep& step, int connection, bool from_terminal, Held held, Time now, Orders& orders) {
  const NetworkFault& fault = step.fault;
  const auto done = [&] { orders.push_back(Report{Fired{step.step, true, describe(fault)}}); };
  const auto missed = [&](const std::string& why) { orders.push_back(Report{Fired{step.step, false, why}}); };
  const bool limited = step.hold_max.count() != 0;
  const Duration most = limited ? step.hold_max : Duration::max();
  switch (fault.kind) {
    case NetworkFault::delay:
      held.until = now + std::min(fault.lasts, most);
      if (fault.lasts > most) {
        held.waits_for_step = step.step;  // told when it is let go
      } else {
        done();
      }
      lane(connection, from_terminal).held.push_back(std::move(held));
      return;
    case NetworkFault::duplicate: {
      done();
      Held again{held.bytes};
      pass(connection, from_terminal, std::move(held), now, orders);
      pass(connection, from_terminal, std::move(again), now, orders);
      return;
    }
    case NetworkFault::reorder:
      held.reordered_by = step.step;
      held.until = fault.lasts.count() == 0 && !limited ? never
                   : fault.lasts.count() == 0           ? now + most
                                                        : now + std::min(fault.lasts, most);
      lane(connection, from_terminal).held.push_back(std::move(held));
      return;
    case NetworkFault::alter:
    case NetworkFault::replay:
      if (replace(fault, connection, from_terminal, held)) {
        done();
      } else {
        missed(fault.kind == NetworkFault::replay ? "the host has sent no older message that differs"
                                                  : "the message has no " + fault.what + " to change");
      }
      pass(connection, from_terminal, std::move(held), now, orders);
      return;
    default: break;  // it is cut somewhere, and its connection perhaps with it
  }
  const std::size_t size = held.bytes.size();
  if (static_cast<std::size_t>(fault.count) >= size) {
    missed("the message has only " + std::to_string(size) + " bytes");
    pass(connection, from_terminal, std::move(held), now, orders);
    return;
  }
  done();
  cut(fault, connection, from_terminal, std::move(held), now, orders);
}

/// So many bytes of the message go on; what is behind them in its direction is lost, and the connection ends as told.
void Path::cut(const NetworkFault& fault, int connection, bool from_terminal, Held held, Time now, Orders& orders) {
  passing_.erase(held.message);
  if (fault.count > 0) {
    held.bytes.resize(static_cast<std::size_t>(fault.count));
    pass(connection, from_terminal, Held{std::move(held.bytes)}, now, orders);
  }
  const NetworkFault::Ending ending = fault.kind == NetworkFault::fin     ? NetworkFault::in_order
                                      : fault.kind == NetworkFault::reset ? NetworkFault::broken
                                                                          : fault.then;
  if (ending == NetworkFault::silence) {
    // what is before it is still under way
    Lane& l = lane(connection, from_terminal);
    l.partial.clear();
    l.dead = true;
    return;
  }
  // a socket that is reset, on either side, ends both directions; one that is half-closed only that towards it
  const bool terminal_side = fault.side != NetworkFault::host, host_side = fault.side != NetworkFault::terminal;
  const bool broken = ending == NetworkFault::broken;
  lose(connection, from_terminal);
  if (broken || host_side) lose(connection, true);
  if (broken || terminal_side) lose(connection, false);
  const Close how = broken ? Close::reset : Close::fin;
  if (terminal_side) orders.push_back(HangUp{connection, false, how, true});
  if (host_side) orders.push_back(HangUp{connection, true, how, true});
}

/// Puts what goes on in place of the message, and what a tap behind the path sees of it.
bool Path::replace(const NetworkFault& fault, int connection, bool from_terminal, Held& held) {
  std::optional<Bytes> other;
  if (fault.kind == NetworkFault::alter) {
    other = altered(held.bytes, framing_, fault.what, fault.count);
  } else if (!from_terminal) {
    const std::string& stem = passing_.at(held.message).stem;
    if (const Bytes& before = older_[stem].before; !before.empty() && before != held.bytes) other = before;
    for (auto it = older_.begin(); !other && it != older_.end(); ++it) {
      if (it->first != stem && !it->second.last.empty()) other = it->second.last;
    }
  }
  if (!other) return false;
  held.bytes = std::move(*other);
  Wire::Look look = wire_.look(from_terminal, held.bytes);
  look.fields.emplace_back("connection", std::to_string(connection));
  passing_.at(held.message) = Passing{std::move(look.stem), std::move(look.fields)};
  return true;
}

/// Takes what waits for the next message of its direction off its connection, with all that is behind it there.
std::vector<std::pair<int, Path::Held>> Path::take_reordered(bool from_terminal) {
  std::vector<std::pair<int, Held>> taken;
  for (auto& [number, c] : connections_) {
    auto& held = (from_terminal ? c.up : c.down).held;
    auto it = std::find_if(held.begin(), held.end(), [](const Held& h) { return h.reordered_by >= 0; });
    for (auto one = it; one != held.end(); ++one) taken.emplace_back(number, std::move(*one));
    held.erase(it, held.end());
  }
  return taken;
}

/// On a line with a rate bytes arrive in pieces, when their turn has come; with jitter each message has a delay of its
/// own, and what is behind it waits.
void Path::wait_on_the_line(int connection, bool from_terminal, Held held, Time now) {
  Time from = now;
  if (now < jitter_until_) {
    const DrawPlace nowhere;
    Draws draws(place_ == nullptr ? nowhere : *place_, kJitterSource + jittered_++);
    from += std::chrono::microseconds(draws.below(static_cast<std::uint32_t>(jitter_.count() / 1000)));
  }
  auto& queue = lane(connection, from_terminal).held;
  if (now >= slow_until_) {
    held.until = from;
    queue.push_back(std::move(held));
    return;
  }
  Time& free = line_free_[from_terminal ? 0 : 1];
  free = std::max(free, from);
  const auto piece = static_cast<std::size_t>(std::max<std::int64_t>(1, bytes_per_s_ / kPiecesPerSecond));
  for (std::size_t at = 0; at < held.bytes.size(); at += piece) {
    const std::size_t size = std::min(piece, held.bytes.size() - at);
    const auto first = held.bytes.begin() + static_cast<std::ptrdiff_t>(at);
    Held part{Bytes(first, first + static_cast<std::ptrdiff_t>(size))};
    free += Duration(static_cast<std::int64_t>(size) * 1'000'000'000 / bytes_per_s_);
    part.until = free;
    if (at + size == held.bytes.size()) part.message = held.message;
    queue.push_back(std::move(part));
  }
}

}  // namespace swiperig
