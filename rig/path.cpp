#include "rig/path.hpp"

#include <algorithm>
#include <utility>

namespace swiperig {

Path::Lane& Path::lane(int connection, bool from_terminal) {
  Connection& c = connections_[connection];
  return from_terminal ? c.up : c.down;
}

void Path::opened(int connection, Time now, Orders& orders) {
  come(now, orders);
  Connection& c = connections_[connection];
  orders.push_back(Report{Milestone{"connected", {{"connection", std::to_string(connection)}}}});
  const int nth = ++seen_["connected"];
  reach("connected", nth, now);
  if (auto step = take_armed("connected", nth)) {
    Lane& l = step->fault.sender == NetworkFault::host ? c.down : c.up;
    l.left = step->fault.count;
    l.cut_after = std::move(step);
  }
  come(now, orders);
}

/// Every condition that is armed on the milestone has its moment from here on.
void Path::reach(std::string_view milestone, int nth, Time now) {
  for (auto s = armed_.begin(); s != armed_.end();) {
    const bool comes = s->when == milestone && s->nth == nth && !s->hold && s->fault.is_condition();
    if (comes) later_.emplace_back(now + s->after, std::move(*s));
    s = comes ? armed_.erase(s) : s + 1;
  }
}

/// Whatever has its moment now, the earliest first.
void Path::come(Time now, Orders& orders) {
  while (!later_.empty()) {
    const auto first =
        std::min_element(later_.begin(), later_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    if (first->first > now) return;
    const auto [at, step] = std::move(*first);
    later_.erase(first);
    orders.push_back(Report{Fired{step.step, true, describe(step.fault)}});
    set(condition_of(step.fault), at, orders);
  }
}

void Path::refused(int connection, Orders& orders) {
  orders.push_back(Report{Milestone{"refused", {{"connection", std::to_string(connection)}}}});
  orders.push_back(HangUp{connection, false, Close::reset});
}

void Path::turned_away(int connection, Orders& orders) {
  orders.push_back(Report{Milestone{"unreached", {{"connection", std::to_string(connection)}}}});
}

void Path::set(Impairment impairment, Time now, Orders& orders) {
  const Time end = impairment.lasts.count() == 0 ? never : now + impairment.lasts;
  if (impairment.outage) {
    outage_ = true;
    outage_until_ = end;
  }
  if (impairment.bytes_per_s != 0) {
    bytes_per_s_ = impairment.bytes_per_s;
    slow_until_ = end;
    line_free_[0] = line_free_[1] = now;
  }
  if (impairment.jitter.count() != 0) {
    jitter_ = impairment.jitter;
    jitter_until_ = end;
  }
  if (!impairment.door.empty()) {
    door_ = reception_of(impairment.door);
    door_until_ = end;
    orders.push_back(Meet{door_, impairment.door_wait});
  }
  if (impairment.any()) return;
  outage_ = false;
  slow_until_ = jitter_until_ = Time{};
  jittered_ = 0;
  if (door_ != Reception::open) orders.push_back(Meet{Reception::open, {}});
  door_ = Reception::open;
  armed_.clear();
  later_.clear();
  seen_.clear();
  for (auto& [number, c] : connections_) {
    c.up.cut_after = c.down.cut_after = std::nullopt;
    const bool disturbed = c.up.dead || c.down.dead || !c.up.held.empty() || !c.down.held.empty();
    if (disturbed || c.up.ended || c.down.ended) reset_both(number, orders);
  }
}

void Path::confirm(int step, bool release, Orders& orders) {
  for (auto& [number, c] : connections_) {
    for (const bool from_terminal : {true, false}) {
      auto& held = (from_terminal ? c.up : c.down).held;
      const auto waiting =
          std::find_if(held.begin(), held.end(), [&](const Held& h) { return h.waits_for_step == step; });
      if (waiting == held.end()) continue;
      if (release) {
        waiting->waits_for_step = -1;
        waiting->until = Time{};
        for (; !held.empty() && held.front().until == Time{} && !outage_; held.pop_front()) {
          order(number, from_terminal, std::move(held.front()), orders);
        }
      } else {
        // what is before it is still under way
        std::deque<Held> before(std::make_move_iterator(held.begin()), std::make_move_iterator(waiting));
        held.erase(held.begin(), waiting);
        lose(number, from_terminal);
        held = std::move(before);
      }
    }
  }
}

void Path::bytes(int connection, bool from_terminal, BytesView bytes, Time now, Orders& orders) {
  come(now, orders);
  Lane& l = lane(connection, from_terminal);
  if (l.dead) return;
  if (l.cut_after) {
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (size >= l.left) {
      ArmedStep step = *std::exchange(l.cut_after, std::nullopt);
      orders.push_back(Report{Fired{step.step, true, describe(step.fault)}});
      step.fault.count = l.left;
      cut(step.fault, connection, from_terminal, Held{Bytes(bytes.begin(), bytes.end())}, now, orders);
      return;
    }
    l.left -= size;
  }
  if (!l.raw && !opaque_) {
    l.partial.insert(l.partial.end(), bytes.begin(), bytes.end());
    std::size_t used = 0;
    for (;;) {
      const BytesView rest = BytesView(l.partial).subspan(used);
      const FrameLength length = frame_length(rest, framing_);
      if (length.state == FrameLength::State::bad) {
        orders.push_back(Report{Milestone{"garbage",
                                          {{"connection", std::to_string(connection)},
                                           {"from", from_terminal ? "terminal" : "host"},
                                           {"bytes", std::to_string(rest.size())}}}});
        l.raw = true;
        bytes = rest;
        break;
      }
      if (length.state == FrameLength::State::need_more || length.total > rest.size()) break;
      message(connection, from_terminal, Bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length.total)),
              now, orders);
      if (l.dead) return;  // and nothing is left in it
      used += length.total;
    }
    if (!l.raw) {
      l.partial.erase(l.partial.begin(), l.partial.begin() + static_cast<std::ptrdiff_t>(used));
      return;
    }
  }
  Held raw{Bytes(bytes.begin(), bytes.end())};
  l.partial.clear();
  pass(connection, from_terminal, std::move(raw), now, orders);
}

void Path::message(int connection, bool from_terminal, Bytes bytes, Time now, Orders& orders) {
  Wire::Look look = wire_.look(from_terminal, bytes);
  look.fields.emplace_back("connection", std::to_string(connection));
  if (!look.good) look.fields.emplace_back("from", from_terminal ? "terminal" : "host");
  const std::string entered = look.stem + "_entered";
  const int nth = ++seen_[entered];
  orders.push_back(Report{Milestone{entered, look.fields}});

  if (!from_terminal) {
    Older& older = older_[look.stem];
    older.before.swap(older.last);
    older.last = bytes;
  }
  Held held{std::move(bytes), ++messages_};
  passing_.emplace(held.message, Passing{std::move(look.stem), std::move(look.fields)});
  // a message on which something is done is the next of its direction all the same
  std::vector<std::pair<int, Held>> reordered = take_reordered(from_terminal);
  meet_armed(entered, nth, connection, from_terminal, std::move(held), now, orders);
  for (auto& [number, behind] : reordered) {
    if (lane(number, from_terminal).dead) {
      passing_.erase(behind.message);
      continue;
    }
    if (behind.reordered_by >= 0) {
      orders.push_back(Report{Fired{std::exchange(behind.reordered_by, -1), true, "the next message went first"}});
    }
    behind.until = Time{};
    pass(number, from_terminal, std::move(behind), now, orders);
  }
}

std::optional<ArmedStep> Path::take_armed(std::string_view when, int nth) {
  const auto armed =
      std::find_if(armed_.begin(), armed_.end(), [&](const ArmedStep& s) { return s.when == when && s.nth == nth; });
  if (armed == armed_.end()) return std::nullopt;
  std::optional<ArmedStep> step(std::move(*armed));
  armed_.erase(armed);
  return step;
}

/// Does to a message what is armed for it, or lets it pass.
void Path::meet_armed(const std::string& entered, int nth, int connection, bool from_terminal, Held held, Time now,
                      Orders& orders) {
  reach(entered, nth, now);
  come(now, orders);
  const std::optional<ArmedStep> step = take_armed(entered, nth);
  if (!step) {
    pass(connection, from_terminal, std::move(held), now, orders);
    return;
  }
  if (!step->hold) {
    strike(*step, connection, from_terminal, std::move(held), now, orders);
    return;
  }
  held.until = now + step->hold_max;
  held.waits_for_step = step->step;
  lane(connection, from_terminal).held.push_back(std::move(held));
}

void Path::pass(int connection, bool from_terminal, Held held, Time now, Orders& orders) {
  Lane& l = lane(connection, from_terminal);
  if ((now < slow_until_ || now < jitter_until_) && !held.bytes.empty()) {
    wait_on_the_line(connection, from_terminal, std::move(held), now);
  } else if (!l.held.empty() || out(now)) {
    l.held.push_back(std::move(held));
  } else {
    order(connection, from_terminal, std::move(held), orders);
  }
}

void Path::order(int connection, bool from_terminal, Held held, Orders& orders) {
  if (held.bytes.empty()) {
    orders.push_back(HangUp{connection, from_terminal, held.end});
  } else {
    orders.push_back(Forward{connection, from_terminal, std::move(held.bytes), held.message});
  }
}

void Path::lose(int connection, bool from_terminal) {
  Lane& l = lane(connection, from_terminal);
  for (const Held& h : l.held) passing_.erase(h.message);
  l.held.clear();
  l.partial.clear();
  l.dead = true;
}

void Path::reset_both(int connection, Orders& orders) {
  lose(connection, true);
  lose(connection, false);
  orders.push_back(HangUp{connection, false, Close::reset});
  orders.push_back(HangUp{connection, true, Close::reset});
}

void Path::ended(int connection, bool from_terminal, Close how, Time now, Orders& orders, std::string_view tls) {
  come(now, orders);
  Milestone closed{"closed",
                   {{"connection", std::to_string(connection)},
                    {"by", from_terminal ? "terminal" : "host"},
                    {"how", how == Close::fin ? "fin" : "reset"}}};
  if (!tls.empty()) closed.fields.emplace_back("tls", tls);
  orders.push_back(Report{std::move(closed)});
  Lane& l = lane(connection, from_terminal);
  l.ended = true;
  if (l.cut_after) {
    orders.push_back(Report{Fired{l.cut_after->step, false, "it ended before so many bytes had come"}});
    l.cut_after.reset();
  }
  if (l.dead) {
    // the lost bytes took the end of the stream with them: a terminal must not hear of it, a host that nobody talks to
    // any more may
    if (!from_terminal) return;
    lose(connection, true);
    orders.push_back(HangUp{connection, true, Close::reset});
    return;
  }
  if (!l.partial.empty()) {
    orders.push_back(Report{Milestone{"garbage",
                                      {{"connection", std::to_string(connection)},
                                       {"from", from_terminal ? "terminal" : "host"},
                                       {"bytes", std::to_string(l.partial.size())},
                                       {"what", "the connection ended inside a message"}}}});
    Held rest{std::exchange(l.partial, {})};
    if (l.held.empty() && !outage_) {
      order(connection, from_terminal, std::move(rest), orders);
    } else {
      l.held.push_back(std::move(rest));
    }
  }
  Held end;
  end.end = how;
  if (outage_ || (how == Close::fin && !l.held.empty())) {
    l.held.push_back(std::move(end));
  } else {
    // a reset overtakes what is under way, and takes it away
    if (how == Close::reset) lose(connection, from_terminal);
    order(connection, from_terminal, std::move(end), orders);
  }
}

std::size_t Path::held_bytes(int connection, bool from_terminal) const {
  const auto it = connections_.find(connection);
  if (it == connections_.end()) return 0;
  std::size_t bytes = 0;
  for (const Held& h : (from_terminal ? it->second.up : it->second.down).held) bytes += h.bytes.size();
  return bytes;
}

void Path::sent(std::uint64_t message, Time now, Orders& orders) {
  const auto it = passing_.find(message);
  if (it == passing_.end()) return;
  Milestone left{it->second.stem + "_left", std::move(it->second.fields)};
  passing_.erase(it);
  reach(left.name, ++seen_[left.name], now);
  orders.push_back(Report{std::move(left)});
  come(now, orders);
}

void Path::tick(Time now, Orders& orders) {
  come(now, orders);
  if (outage_ && now >= outage_until_) outage_ = false;
  if (door_ != Reception::open && now >= door_until_) {
    door_ = Reception::open;
    orders.push_back(Meet{door_, {}});
  }
  for (auto& [number, c] : connections_) {
    for (const bool from_terminal : {true, false}) {
      auto& held = (from_terminal ? c.up : c.down).held;
      while (!held.empty() && held.front().until <= now && !outage_) {
        Held front = std::move(held.front());
        held.pop_front();
        if (front.waits_for_step >= 0) {
          orders.push_back(
              Report{Fired{front.waits_for_step, false, "the message was held as long as allowed and then let go"}});
        }
        if (front.reordered_by >= 0) {
          orders.push_back(Report{Fired{front.reordered_by, false, "no other message came that could go first"}});
        }
        order(number, from_terminal, std::move(front), orders);
      }
    }
  }
}

Time Path::due() const {
  Time due = door_ == Reception::open ? never : door_until_;
  for (const auto& [at, step] : later_) due = std::min(due, at);
  if (outage_) return std::min(due, outage_until_);  // nothing goes on before
  for (const auto& [number, c] : connections_) {
    for (const Lane* l : {&c.up, &c.down}) {
      if (!l->held.empty()) due = std::min(due, l->held.front().until);
    }
  }
  return due;
}

}  // namespace swiperig
