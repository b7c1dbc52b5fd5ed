// What the terminal's tests put around it: a rail, a card, a register that speaks the ECR framing by itself, and a
// scripted acquirer that shares nothing with the simulated terminal but the codec.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "fixtures/pipe.hpp"
#include "fixtures/terminal.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/f2f.hpp"
#include "rig/mac.hpp"

namespace swiperig::terminal_rig {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline const std::string kTrack2 = ";6212345678901265=30125010000000000000?";

/// A pass of a clean card at 500 mm/s.
inline HeadSignal swipe_of(const std::string& track2, bool reverse = false) {
  std::vector<std::uint8_t> bits(25, 0);
  const auto content = encode_track(2, track2);
  bits.insert(bits.end(), content.begin(), content.end());
  bits.insert(bits.end(), 25, 0);
  if (reverse) std::reverse(bits.begin(), bits.end());
  const auto places = transitions(bits, kTrack2BitsPerInch);
  return {TrackSignal{2, crossing_times_ns(places, 500, 0)}};
}

/// A card whose stripe is worn away in the middle.
inline HeadSignal worn_swipe() {
  HeadSignal signal = swipe_of(kTrack2);
  auto& t = signal[0].t_ns;
  t.erase(t.begin() + 60, t.begin() + 75);
  return signal;
}

inline TerminalSettings test_settings(std::set<std::string> defects = {}) {
  TerminalSettings s;
  s.profile.application = "fixture 1.0";
  s.profile.merchant = "999000000000001";
  s.profile.terminal = "99900001";
  s.host.master_key = *from_hex("0123456789ABCDEFFEDCBA9876543210");
  s.defects = std::move(defects);
  return s;
}

/// The acquirer: books what it approves, and does on demand what the network or a bad host would do.
class Peer {
 public:
  struct Heard {
    Time at{};
    Message message;
    Bytes frame;
    bool mac_right = false;
  };
  struct Reply {
    Bytes bytes;  // empty: silence
    bool then_fin = false;
    Duration after{};
  };

  Peer(Clock& clock, Listener& listener) : clock_(clock), listener_(listener), crew_(clock) {}

  std::vector<Heard> heard;
  std::map<std::string, std::int64_t> charged;  // STAN to amount
  std::vector<std::string> ends;                // how connections ended, in order
  /// Changes an answer before it goes; `nth` counts requests of that MTI from 1.
  std::function<void(const Message& request, int nth, Reply&)> twist;
  std::function<void(Message& answer)> edit;  // before the MAC
  Bell sale_answered;
  std::string sale_code = "00", reversal_code;  // "": as booked
  std::string totals_flag;                      // "": compared
  bool wrong_check_value = false;
  std::string batch = "000042";

  std::vector<std::string> mtis() const {
    std::vector<std::string> out;
    for (const Heard& h : heard) out.emplace_back(h.message.mti());
    return out;
  }
  std::vector<const Heard*> all(std::string_view mti) const {
    std::vector<const Heard*> out;
    for (const Heard& h : heard) {
      if (h.message.mti() == mti) out.push_back(&h);
    }
    return out;
  }

  Task<> run() {
    try {
      for (;;) {
        auto link = co_await listener_.accept();
        crew_.start(serve(std::move(link)));
      }
    } catch (const LinkError&) {
    }
    co_await crew_.join();
  }

  Bytes answer_to(const Message& request) {
    Message a = request;
    a.set_mti(response_mti(request.mti()));
    a.swap_tpdu();
    for (const int gone : {22, 35, 61, 63}) a.clear(gone);
    a.set(12, "101512");
    a.set(13, "1123");
    a.set(39, "00");
    const std::string mti(request.mti()), stan(request.field(11));
    if (mti == "0200") {
      a.set(39, sale_code);
      a.set(37, "101512" + stan);
      if (sale_code == "00") {
        a.set(38, stan);
        charged[stan] = std::stoll(std::string(request.field(4)));
      }
    } else if (mti == "0400") {
      const bool found = charged.erase(stan) > 0;
      a.set(39, !reversal_code.empty() ? reversal_code : found ? "00" : "25");
    } else if (mti == "0800") {
      if (!request.field(60).ends_with("360")) {
        a.set(60, "00" + batch + "003");
        a.set(62, text_of(wrapped_keys()));
      }
    } else if (mti == "0500") {
      std::int64_t sum = 0;
      for (const auto& [_, amount] : charged) sum += amount;
      std::string totals(request.field(48));
      const bool same = std::stoll(totals.substr(0, 12)) == sum && std::stoul(totals.substr(12, 3)) == charged.size();
      totals[30] = totals_flag.empty() ? (same ? '1' : '2') : totals_flag[0];
      totals[61] = '1';
      a.set(48, totals);
    }
    if (edit) edit(a);
    Bytes frame;
    if (request.has(64)) a.set(64, std::string_view("\0\0\0\0\0\0\0\0", 8));
    EXPECT_FALSE(pack(a, {}, frame).has_value());
    if (request.has(64)) place_mac(frame, {}, key().mac(mac_span(frame, {})));
    return frame;
  }

 private:
  static MacKey key() { return *MacKey::make(MacKind::unionpay_ecb, *from_hex("3131313131313131")); }

  Bytes wrapped_keys() const {
    const auto master = *DesKey::make(*from_hex("0123456789ABCDEFFEDCBA9876543210"));
    Bytes out = *master.encrypt(*from_hex("10101010101010102020202020202020"));
    const Bytes pin_check = *from_hex("D679A35B");
    const Bytes mac = *master.encrypt(*from_hex("3131313131313131"));
    const Bytes mac_check = *from_hex(wrong_check_value ? "40826A59" : "40826A58");
    out.insert(out.end(), pin_check.begin(), pin_check.end());
    out.insert(out.end(), mac.begin(), mac.end());
    out.insert(out.end(), 8, 0);
    out.insert(out.end(), mac_check.begin(), mac_check.end());
    return out;
  }

  Task<> serve(std::unique_ptr<Link> link) {
    Bytes in;
    std::array<std::uint8_t, 1024> chunk;
    std::string ended;
    try {
      for (;;) {
        const std::size_t n = co_await link->read_some(chunk);
        if (n == 0) break;
        in.insert(in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(n));
        const FrameLength length = frame_length(in, {});
        if (length.state != FrameLength::State::ready) continue;
        Heard h{clock_.now(), {}, in, false};
        EXPECT_EQ(length.total, in.size());
        EXPECT_FALSE(unpack(BytesView(in).subspan(2), {}, h.message).has_value());
        in.clear();
        h.mac_right = h.message.has(64) && key().verify(mac_span(h.frame, {}), h.message.field(64));
        heard.push_back(h);
        const std::string mti(h.message.mti());
        Reply reply{answer_to(h.message), false, {}};
        if (twist) twist(h.message, static_cast<int>(all(mti).size()), reply);
        if (reply.after > Duration{}) co_await clock_.sleep_for(reply.after);
        if (!reply.bytes.empty()) co_await link->write(reply.bytes);
        if (reply.then_fin) {
          link->close(Close::fin);
          break;
        }
        if (mti == "0200") sale_answered.ring();
      }
      ended = "fin";
    } catch (const LinkError&) {
      ended = "reset";
    }
    ends.push_back(ended);
  }

  Clock& clock_;
  Listener& listener_;
  Crew crew_;
};

/// The cash register's end of the ECR link.
class Register {
 public:
  Register(Clock& clock, std::unique_ptr<Link> link) : clock_(clock), link_(std::move(link)) {}

  struct Said {
    Time at{};
    std::string text;
  };
  std::vector<Said> said;
  int naks = 0;
  bool acknowledges = true;

  Task<> run() {
    std::array<std::uint8_t, 256> chunk;
    try {
      for (;;) {
        const std::size_t n = co_await link_->read_some(chunk);
        if (n == 0) break;
        in_ += text_of(BytesView(chunk).first(n));
        for (std::size_t end = 0; (end = in_.find('\x03')) != in_.npos && end + 1 < in_.size();) {
          unsigned lrc = 0;
          for (std::size_t i = 1; i <= end; ++i) lrc ^= static_cast<unsigned char>(in_[i]);
          EXPECT_EQ(in_[0], '\x02');
          EXPECT_EQ(lrc, static_cast<unsigned char>(in_[end + 1]));
          said.push_back({clock_.now(), in_.substr(1, end - 1)});
          in_.erase(0, end + 2);
          if (said.back().text.starts_with("R|") && (acknowledges || naks > 0)) {
            const std::string sign = naks > 0 ? "\x15" : "\x06";
            if (naks > 0) --naks;
            co_await link_->write(bytes_of(sign));
          }
        }
        news_.ring();
      }
    } catch (const LinkError&) {
    }
  }
  /// The next text that begins so, from where the last one was found; "" if it does not come.
  Task<std::string> wait_for(std::string start, Duration limit = seconds(200)) {
    const Time until = clock_.now() + limit;
    for (;;) {
      while (next_ < said.size()) {
        if (said[next_++].text.starts_with(start)) co_return said[next_ - 1].text;
      }
      if (clock_.now() >= until) co_return "";
      co_await clock_.wait(news_, until);
    }
  }
  Task<> write(std::string bytes) { co_await link_->write(bytes_of(bytes)); }
  /// Rows of the journal as told, without J|; one row "silent" if none of it comes.
  Task<std::vector<std::string>> journal() {
    std::vector<std::string> rows;
    next_ = said.size();
    co_await write("\x02J?\x03\x76");
    for (;;) {
      const std::string row = co_await wait_for("J", seconds(2));
      if (row.empty()) rows.push_back("silent");
      if (!row.starts_with("J|")) break;
      rows.push_back(row.substr(2));
    }
    co_return rows;
  }
  int count(std::string_view start) const {
    return static_cast<int>(
        std::count_if(said.begin(), said.end(), [&](const Said& s) { return s.text.starts_with(start); }));
  }
  void close() { link_->close(Close::fin); }

 private:
  Clock& clock_;
  std::unique_ptr<Link> link_;
  std::string in_;
  std::size_t next_ = 0;
  Bell news_;
};

struct TestRig : DrawListener {
  explicit TestRig(TerminalSettings settings = test_settings()) : terminal_settings(std::move(settings)) {}

  TerminalSettings terminal_settings;
  VirtualClock clock;
  PipeHub hub{clock};
  std::unique_ptr<Listener> listener = hub.listen("host");
  std::unique_ptr<Dialer> dialer = hub.dialer("host");
  std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>> ecr = make_pipe(clock);
  Peer peer{clock, *listener};
  Register reg{clock, std::move(ecr.first)};
  Terminal terminal{clock, terminal_settings, *dialer, std::move(ecr.second), this};
  std::vector<std::pair<Time, std::int64_t>> draws;

  void draw(std::int64_t ma) override { draws.emplace_back(clock.now(), ma); }

  void keys(std::string_view names) {
    while (!names.empty()) {
      terminal.key(names.substr(0, names.find(' ')));
      names.remove_prefix(std::min(names.size(), names.find(' ') == names.npos ? names.size() : names.find(' ') + 1));
    }
  }
  Task<> boot() {
    terminal.rail({5000, 0});
    const std::string ready = co_await reg.wait_for("S|READY");
    EXPECT_EQ(ready, "S|READY");
  }
  void cut() { terminal.rail({0, 0}); }
  Task<> power_cycle() {
    cut();
    co_await clock.sleep_for(seconds(1));
    co_await boot();
  }
  /// Keys and card; returns with the card gone through the reader.
  Task<> present(std::string amount_keys) {
    keys(amount_keys + " OK");
    const std::string prompt = co_await reg.wait_for("S|SWIPE CARD", seconds(5));
    EXPECT_EQ(prompt, "S|SWIPE CARD");
    terminal.head(swipe_of(kTrack2));
  }
  /// A whole sale: the result frame, then READY.
  Task<std::string> sale(std::string amount_keys) {
    co_await present(amount_keys);
    const std::string result = co_await reg.wait_for("R|SALE", seconds(300));
    co_await reg.wait_for("S|READY", seconds(5));
    co_return result;
  }
  Task<std::string> settle() {
    keys("F2 OK");
    const std::string result = co_await reg.wait_for("R|SETTLE", seconds(300));
    co_await reg.wait_for("S|READY", seconds(5));
    co_return result;
  }
  void run(Task<> scenario) {
    clock.run([](TestRig& rig, Task<> play) -> Task<> {
      Crew crew(rig.clock);
      crew.start(rig.peer.run());
      crew.start(rig.reg.run());
      crew.start(rig.terminal.run());
      std::exception_ptr failure;
      try {
        co_await std::move(play);
      } catch (...) {
        failure = std::current_exception();
      }
      rig.terminal.stop();
      rig.listener->close();
      rig.reg.close();
      co_await crew.join();
      if (failure) std::rethrow_exception(failure);
    }(*this, std::move(scenario)));
  }
};

using Texts = std::vector<std::string>;

/// Does `change` to the answer of the nth request of a kind.
inline auto once(std::string mti, int which, std::function<void(Peer::Reply&)> change) {
  return [=](const Message& request, int nth, Peer::Reply& reply) {
    if (request.mti() == mti && nth == which) change(reply);
  };
}
inline void lose(Peer::Reply& reply) { reply.bytes.clear(); }
inline void spoil_mac(Peer::Reply& reply) { reply.bytes.back() ^= 1; }

inline std::string text_field(const Peer::Heard* heard, int number) {
  return std::string(heard->message.field(number));
}

}  // namespace swiperig::terminal_rig
