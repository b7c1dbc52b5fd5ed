// A terminal reduced to its bytes, for tests of the acquirer: builds requests with the codec and nothing else, and says
// of every exchange how it ended.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "fixtures/acquirer.hpp"
#include "rig/crew.hpp"
#include "rig/iso8583.hpp"
#include "rig/link.hpp"
#include "rig/mac.hpp"

namespace swiperig {

inline constexpr const char* kCard = "6212345678901265";

inline HostSettings test_settings() {
  HostSettings settings;
  settings.profile.master_key = *from_hex("0123456789ABCDEFFEDCBA9876543210");
  return settings;
}

/// How an exchange ended: "answer", "fin", "reset", "part then fin", "nothing".
struct Ending {
  std::string how = "nothing";
  Message answer;
  Bytes bytes;
  Time at{};
  std::string code() const { return std::string(answer.field(39)); }
};

struct Till {
  HostSettings settings = test_settings();
  std::string batch = "000001";

  Message blank(const char* mti, int stan) const {
    Message m;
    m.set_mti(mti);
    m.set_tpdu({0x60, 0x00, 0x03, 0x00, 0x00});
    m.set_header({0x60, 0x31, 0x00, 0x31, 0x10, 0x00});
    const std::string digits = std::to_string(stan);
    m.set(11, std::string(6 - digits.size(), '0') + digits);
    m.set(41, settings.terminal);
    m.set(42, settings.merchant);
    return m;
  }
  static void amount(Message& m, std::int64_t minor) {
    const std::string digits = std::to_string(minor);
    m.set(4, std::string(12 - digits.size(), '0') + digits);
  }
  Message logon(int stan = 1, const char* layout = "003") const {
    Message m = blank("0800", stan);
    m.set(60, "00" + batch + layout);
    m.set(63, "001");
    return m;
  }
  Message sale(int stan, std::int64_t minor, const std::string& pan = kCard, const char* expiry = "3012") const {
    Message m = blank("0200", stan);
    m.set(3, "000000");
    amount(m, minor);
    m.set(22, "022");
    m.set(25, "00");
    m.set(35, pan + "=" + expiry + "5010000000000000");
    m.set(49, "156");
    m.set(60, "22" + batch + "0005");
    return m;
  }
  Message reversal(int stan, std::int64_t minor, const std::string& pan = kCard) const {
    Message m = blank("0400", stan);
    m.set(2, pan);
    m.set(3, "000000");
    amount(m, minor);
    m.set(22, "022");
    m.set(25, "00");
    m.set(39, "98");
    m.set(49, "156");
    m.set(60, "22" + batch + "000");
    m.set(61, batch + std::string(m.field(11)));
    return m;
  }
  Message settlement(int stan, std::int64_t minor, int count) const {
    Message m = blank("0500", stan);
    std::string sum = std::to_string(minor), n = std::to_string(count);
    m.set(48, std::string(12 - sum.size(), '0') + sum + std::string(3 - n.size(), '0') + n + std::string(47, '0'));
    m.set(49, "156");
    m.set(60, "00" + batch + "201");
    return m;
  }
  Message upload(int stan, const char* function, const std::string& records) const {
    Message m = blank("0320", stan);
    m.set(48, records);
    m.set(60, "00" + batch + function);
    return m;
  }

  Bytes frame(Message m) const {
    const bool with_mac = m.mti() == "0200" || m.mti() == "0400";
    if (with_mac) m.set(64, std::string(8, '\0'));
    Bytes out;
    pack(m, settings.profile.framing, out);
    const Framing& framing = settings.profile.framing;
    if (with_mac) place_mac(out, framing, *mac(settings.profile.mac, settings.mac_key, mac_span(out, framing)));
    return out;
  }
  bool right_mac(const Ending& ending) const {
    const BytesView covered = mac_span(ending.bytes, settings.profile.framing);
    const auto key = MacKey::make(settings.profile.mac, settings.mac_key);
    return !covered.empty() && key->verify(covered, ending.answer.field(64));
  }
};

inline Task<> give_up(Clock& clock, Bell& done, Link& link, Duration limit, bool& given_up) {
  const bool rung = co_await clock.wait(done, clock.now() + limit);
  given_up = !rung;
  if (!rung) link.close(Close::fin);
}

inline Task<Ending> exchange(Clock& clock, Link& link, Bytes frame, Framing framing,
                             Duration limit = std::chrono::seconds(60)) {
  Ending ending;
  Bell done;
  Crew crew(clock);
  bool given_up = false;
  crew.start(give_up(clock, done, link, limit, given_up));
  std::uint8_t chunk[512];
  try {
    co_await link.write(frame);
    for (;;) {
      const FrameLength length = frame_length(ending.bytes, framing);
      if (length.state == FrameLength::State::ready) {
        const BytesView body = BytesView(ending.bytes).subspan(prefix_bytes(framing));
        ending.how = unpack(body, framing, ending.answer) ? "garbage" : "answer";
        break;
      }
      const std::size_t n = co_await link.read_some(chunk);
      if (n == 0 && given_up) break;
      if (n == 0) {
        ending.how = ending.bytes.empty() ? "fin" : "part then fin";
        break;
      }
      ending.bytes.insert(ending.bytes.end(), chunk, chunk + n);
    }
  } catch (const LinkError& error) {
    if (error.kind == LinkError::reset) ending.how = "reset";
  }
  ending.at = clock.now();
  done.ring();
  co_await crew.join();
  co_return ending;
}

}  // namespace swiperig
