// TLS through the relay, spoken by OpenSSL itself at both far ends: ended in the relay, where armed faults meet the
// messages within, or passed unread. What is wrong with it has a name and is no fault of the terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "drivers/link_tcp.hpp"
#include "drivers/relay.hpp"
#include "tests/frames.hpp"
#include "tests/tls_peer.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// What the two far ends do, each in a thread of its own, with the relay between them.
struct TlsStage {
  std::string terminal_trusts = "rig", host_shows = "host", relay_trusts = "host", host_name = "host.lab";
  bool opaque = false, client_certificate = false;
  Duration handshake_limit = RelaySettings{}.handshake_limit;
  int most_version = 0;
  std::function<void(Relay&)> first = [](Relay&) {};
  std::function<void(Relay&)> when_connected = [](Relay&) {};

  std::map<std::string, int> milestones;
  std::vector<Milestone> all;
  std::string fault;
  double took_s = 0;

  using Part = std::function<void(TlsPeer&)>;
  void run(const Part& terminal, const Part& host) {
    const Certificates& c = certificates();
    SteadyClock clock;
    std::uint16_t relay_port = 0, host_port = 0;
    const int listener = loopback_socket(host_port, true);
    RelaySettings settings;
    settings.opaque = opaque;
    settings.handshake_limit = handshake_limit;
    if (!opaque) {
      settings.terminal_tls = TlsEnd::server(c.certificate("rig"), c.key("rig"));
      settings.host_tls = TlsEnd::client(c.ca(relay_trusts), host_name);
    }
    Relay relay(clock, tcp_listener(clock, "127.0.0.1", 0, &relay_port), tcp_dialer(clock, "127.0.0.1", host_port), {},
                nullptr, nullptr, settings);
    first(relay);
    std::atomic<int> busy = 2;
    std::thread host_thread([&] {
      pollfd ready{listener, POLLIN, 0};
      const int fd = ::poll(&ready, 1, 5000) == 1 ? ::accept(listener, nullptr, nullptr) : -1;
      if (fd >= 0) {
        TlsPeer peer(fd, {.server = true,
                          .certificate = c.certificate(host_shows),
                          .key = c.key(host_shows),
                          .wants_client_certificate = client_certificate,
                          .most_version = most_version});
        host(peer);
      }
      --busy;
    });
    std::thread terminal_thread([&] {
      TlsPeer peer(loopback_socket(relay_port, false), {.ca = c.ca(opaque ? host_shows : terminal_trusts),
                                                        .name = opaque ? "host.lab" : "localhost",
                                                        .most_version = most_version});
      terminal(peer);
      --busy;
    });
    const double began = machine_seconds();
    clock.run(perform(clock, relay, busy));
    took_s = machine_seconds() - began;
    host_thread.join();
    terminal_thread.join();
    ::close(listener);
  }

 private:
  Task<> perform(Clock& clock, Relay& relay, std::atomic<int>& busy) {
    Crew crew(clock);
    crew.start(relay.serve());
    crew.start(watch(relay));
    for (const Time end = clock.now() + 20s; busy > 0 && clock.now() < end;) co_await clock.sleep_for(1ms);
    EXPECT_EQ(busy, 0);
    co_await clock.sleep_for(5ms);  // the ends reach the relay
    relay.close();
    co_await crew.join();
  }
  Task<> watch(Relay& relay) {
    try {
      for (;;) {
        Seen seen = co_await relay.next();
        const auto* m = std::get_if<Milestone>(&seen.body);
        if (m == nullptr) continue;
        ++milestones[m->name];
        all.push_back(*m);
        if (m->name == "connected") when_connected(relay);
      }
    } catch (const LinkError&) {
    } catch (const EquipmentError& e) {
      fault = e.what();
    }
  }

 public:
  /// A field of the first such milestone.
  std::string told(const std::string& milestone, const std::string& name) const {
    for (const Milestone& m : all) {
      if (m.name == milestone) return std::string(field(m.fields, name));
    }
    return "no " + milestone;
  }
};

/// A terminal that asks and is answered, and a host that answers.
void ask(TlsPeer& peer) {
  ASSERT_TRUE(peer.shake());
  ASSERT_TRUE(peer.send(request(1)));
  EXPECT_EQ(peer.read(response(1).size()), response(1));
  peer.say_end();
  peer.fin();
  EXPECT_EQ(peer.end(), "close_notify");
}
void answer(TlsPeer& peer) {
  ASSERT_TRUE(peer.shake());
  EXPECT_EQ(peer.read(request(1).size()), request(1));
  ASSERT_TRUE(peer.send(response(1)));
  EXPECT_EQ(peer.end(), "close_notify");
  peer.say_end();
  peer.fin();
}
void shake_alone(TlsPeer& peer) { peer.shake(); }

TEST(RealtimeRelayTls, AMessageAndItsAnswerPassAndTheEndsAreSaid) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsStage stage;
    stage.most_version = version;
    stage.run(ask, answer);
    EXPECT_EQ(stage.fault, "");
    for (const char* m : {"connected", "request_entered", "request_left", "response_entered", "response_left"}) {
      EXPECT_EQ(stage.milestones[m], 1) << m;
    }
    EXPECT_EQ(stage.milestones["tls_failed"], 0);
    EXPECT_EQ(stage.told("closed", "how") + ", " + stage.told("closed", "tls"), "fin, close_notify");
  }
}

TEST(RealtimeRelayTls, RecordsAreNotMessages) {
  TlsStage stage;
  const Bytes two = request(1) + request(2);
  stage.run(
      [&](TlsPeer& peer) {
        ASSERT_TRUE(peer.shake());
        for (std::size_t at = 0; at < two.size(); at += 7) {  // records of seven bytes, across both messages
          ASSERT_TRUE(peer.send(BytesView(two).subspan(at, std::min<std::size_t>(7, two.size() - at))));
        }
        EXPECT_EQ(peer.read(response(1).size() * 2), response(1) + response(2));
      },
      [&](TlsPeer& peer) {
        ASSERT_TRUE(peer.shake());
        EXPECT_EQ(peer.read(two.size()), two);
        ASSERT_TRUE(peer.send(response(1) + response(2)));  // both in one
        peer.end();
      });
  EXPECT_EQ(stage.milestones["request_entered"], 2);
  EXPECT_EQ(stage.milestones["response_left"], 2);
  EXPECT_EQ(stage.milestones["garbage"], 0);
}

TEST(RealtimeRelayTls, AHostWithAnotherCertificateIsTheRigsFaultByName) {
  struct Way {
    const char *shows, *trusts, *name, *fault;
  };
  const Way ways[] = {{"foreign", "host", "host.lab", "unknown CA"},   {"host", "host", "bank.lab", "wrong name"},
                      {"host", "host", "127.0.0.1", "wrong name"},     {"expired", "expired", "host.lab", "expired"},
                      {"early", "early", "host.lab", "not yet valid"}, {"host", "host", "host.lab", nullptr}};
  for (const Way& way : ways) {
    TlsStage stage;
    stage.host_shows = way.shows;
    stage.relay_trusts = way.trusts;
    stage.host_name = way.name;
    if (way.fault == nullptr) {
      stage.run(ask, answer);
      EXPECT_EQ(stage.fault, "") << "the twin";
      continue;
    }
    stage.run(shake_alone, shake_alone);
    EXPECT_THAT(stage.fault, HasSubstr(std::string("relay: TLS with the host: ") + way.fault + ": ")) << way.shows;
    EXPECT_THAT(stage.told("tls_failed", "what"), HasSubstr(way.fault));
    EXPECT_EQ(stage.told("tls_failed", "with"), "host");
  }
}

TEST(RealtimeRelayTls, ATerminalThatDoesNotTrustTheCaIsTheRigsFault) {
  TlsStage stage;
  stage.terminal_trusts = "foreign";
  stage.run([](TlsPeer& peer) { EXPECT_FALSE(peer.shake()); }, shake_alone);
  EXPECT_THAT(stage.fault, HasSubstr("relay: TLS with the terminal: alert: unknown CA: is our CA installed in it"));
  EXPECT_EQ(stage.told("tls_failed", "with"), "terminal");
}

TEST(RealtimeRelayTls, ATerminalWithoutTlsIsNamed) {
  TlsStage stage;
  stage.run([](TlsPeer& peer) { peer.raw("no hello at all, but long enough to be one"); }, shake_alone);
  EXPECT_THAT(stage.fault, HasSubstr("relay: TLS with the terminal: no TLS that this end understands: "));
}

TEST(RealtimeRelayTls, AnAlertLaterOnIsToldAndResetsTheOtherSide) {
  TlsStage stage;
  stage.client_certificate = true;
  stage.run(
      [](TlsPeer& peer) {
        EXPECT_TRUE(peer.shake());
        EXPECT_EQ(peer.end(), "reset");
      },
      [](TlsPeer& peer) { EXPECT_FALSE(peer.shake()); });
  EXPECT_EQ(stage.fault, "");
  EXPECT_THAT(stage.told("tls_failed", "what"), AllOf(HasSubstr("alert: "), HasSubstr("certificate required")));
  EXPECT_EQ(stage.told("closed", "by") + ", " + stage.told("closed", "how"), "host, reset");
}

TEST(RealtimeRelayTls, AFinWithoutItsAnnouncementStaysOneAndHalfOpenStaysHalfOpen) {
  for (const bool announced : {false, true}) {
    TlsStage stage;
    stage.run(
        [&](TlsPeer& peer) {
          ASSERT_TRUE(peer.shake());
          ASSERT_TRUE(peer.send(request(1)));
          if (announced) peer.say_end();
          peer.fin();
          if (announced) {
            EXPECT_EQ(peer.read(response(1).size()), response(1)) << "an answer to who has closed";
          }
          peer.end();
        },
        [&](TlsPeer& peer) {
          ASSERT_TRUE(peer.shake());
          EXPECT_EQ(peer.read(request(1).size()), request(1));
          EXPECT_EQ(peer.end(), announced ? "close_notify" : "fin");
          EXPECT_EQ(peer.send(response(1)), announced) << "OpenSSL says no more after a bare end";
        });
    EXPECT_EQ(stage.told("closed", "tls"), announced ? "close_notify" : "bare");
    EXPECT_EQ(stage.told("closed", "how"), "fin");
  }
}

TEST(RealtimeRelayTls, AResetStaysAReset) {
  TlsStage stage;
  std::atomic<bool> there = false;
  stage.run(
      [&](TlsPeer& peer) {
        ASSERT_TRUE(peer.shake());
        ASSERT_TRUE(peer.send(request(1)));
        for (int i = 0; i < 5000 && !there; ++i) std::this_thread::sleep_for(1ms);
        peer.reset();
      },
      [&](TlsPeer& peer) {
        ASSERT_TRUE(peer.shake());
        EXPECT_EQ(peer.read(request(1).size()), request(1));
        there = true;
        EXPECT_EQ(peer.end(), "reset");
      });
  EXPECT_EQ(stage.told("closed", "how"), "reset");
}

TEST(RealtimeRelayTls, AnEndWithinTheHandshakeIsAnObservation) {
  TlsStage stage;
  stage.run([](TlsPeer& peer) { peer.fin(); }, shake_alone);
  EXPECT_EQ(stage.fault, "");
  EXPECT_EQ(stage.told("tls_failed", "what"), "the connection ended within the handshake");
  EXPECT_EQ(stage.told("closed", "by") + ", " + stage.told("closed", "how"), "terminal, fin");
}

TEST(RealtimeRelayTls, AHandshakeThatDoesNotEndIsEndedAndOneThatIsSlowIsNot) {
  for (const bool silent : {true, false}) {
    TlsStage stage;
    stage.handshake_limit = 400ms;
    stage.run(
        [&](TlsPeer& peer) {
          if (silent) {
            EXPECT_EQ(peer.listen(), "reset");
            return;
          }
          std::this_thread::sleep_for(100ms);
          ask(peer);
        },
        [&](TlsPeer& peer) {
          if (silent) return shake_alone(peer);
          answer(peer);
        });
    EXPECT_EQ(stage.fault, "") << "who says nothing is observed, and accused of nothing";
    EXPECT_EQ(stage.told("tls_failed", "what"), silent ? "no end of the handshake within 400 ms" : "no tls_failed");
    EXPECT_EQ(stage.milestones["response_left"], silent ? 0 : 1);
    if (silent) {
      EXPECT_GT(stage.took_s, 0.39);
    }
  }
}

TEST(RealtimeRelayTls, AnArmedCutFiresWithin) {
  for (const auto then : {NetworkFault::in_order, NetworkFault::broken}) {
    TlsStage stage;
    NetworkFault fault{NetworkFault::cut};
    fault.count = 7;
    fault.then = then;
    fault.side = then == NetworkFault::in_order ? NetworkFault::terminal : NetworkFault::both;
    stage.first = [&](Relay& relay) { relay.arm({0, "response_entered", 1, fault, false, {}}); };
    const Bytes whole = response(1);
    stage.run(
        [&](TlsPeer& peer) {
          ASSERT_TRUE(peer.shake());
          ASSERT_TRUE(peer.send(request(1)));
          EXPECT_EQ(peer.read(whole.size()), Bytes(whole.begin(), whole.begin() + 7));
          EXPECT_EQ(peer.end(), then == NetworkFault::in_order ? "fin" : "reset");
        },
        [&](TlsPeer& peer) {
          ASSERT_TRUE(peer.shake());
          peer.read(request(1).size());
          ASSERT_TRUE(peer.send(whole));
          peer.end();
        });
    EXPECT_EQ(stage.milestones["response_entered"], 1);
    EXPECT_EQ(stage.milestones["response_left"], 0);
  }
}

TEST(RealtimeRelayTls, ALostResponseIsLostAndItsTwinArrives) {
  for (const bool lost : {true, false}) {
    TlsStage stage;
    if (lost) {
      stage.first = [](Relay& relay) { relay.arm({0, "response_entered", 1, {NetworkFault::drop, 0s}, false, {}}); };
    }
    std::atomic<bool> answered = false;
    stage.run(
        [&](TlsPeer& peer) {
          ASSERT_TRUE(peer.shake());
          ASSERT_TRUE(peer.send(request(1)));
          if (!lost) {
            EXPECT_EQ(peer.read(response(1).size()), response(1));
            return;
          }
          for (int i = 0; i < 5000 && !answered; ++i) std::this_thread::sleep_for(1ms);
          peer.fin();
          EXPECT_EQ(peer.read(1), Bytes{}) << "not a byte of it";
        },
        [&](TlsPeer& peer) {
          ASSERT_TRUE(peer.shake());
          peer.read(request(1).size());
          ASSERT_TRUE(peer.send(response(1)));
          std::this_thread::sleep_for(20ms);
          answered = true;
          peer.end();
        });
    EXPECT_EQ(stage.milestones["response_entered"], 1);
    EXPECT_EQ(stage.milestones["response_left"], lost ? 0 : 1);
  }
}

TEST(RealtimeRelayTls, AnOutageHoldsTheHandshakeToo) {
  for (const bool outage : {true, false}) {
    TlsStage stage;
    if (outage) stage.when_connected = [](Relay& relay) { relay.set({true, 300ms}); };
    double shaken_s = 0;
    const double began = machine_seconds();
    stage.run(
        [&](TlsPeer& peer) {
          ask(peer);
          shaken_s = machine_seconds() - began;
        },
        answer);
    EXPECT_EQ(shaken_s >= 0.3, outage) << shaken_s;
    EXPECT_EQ(stage.milestones["response_left"], 1);
  }
}

TEST(RealtimeRelayTls, OpaqueBytesPassUnread) {
  TlsStage stage;
  stage.opaque = true;
  stage.run(ask, answer);  // the terminal trusts the host itself
  EXPECT_EQ(stage.fault, "");
  EXPECT_EQ(stage.milestones["connected"], 1);
  for (const auto& [name, times] : stage.milestones) {
    EXPECT_TRUE(name == "connected" || name == "closed") << name << " " << times << " times";
  }
  EXPECT_EQ(stage.told("closed", "how") + stage.told("closed", "tls"), "fin");
}

TEST(RealtimeRelayTls, AnOutageHoldsOpaqueBytesAndARateSlowsThem) {
  TlsStage stage;
  stage.opaque = true;
  stage.when_connected = [](Relay& relay) { relay.set({true, 300ms}); };
  stage.run(ask, answer);
  EXPECT_GT(stage.took_s, 0.3);
  TlsStage slow;
  slow.opaque = true;
  slow.when_connected = [](Relay& relay) {
    Impairment rate;
    rate.bytes_per_s = 4000;
    relay.set(rate);
  };
  slow.run(ask, answer);
  EXPECT_GT(slow.took_s, 0.3) << "a handshake has more than 1200 bytes";
  TlsStage twin;
  twin.opaque = true;
  twin.run(ask, answer);
  EXPECT_LT(twin.took_s, 0.3);
}

TEST(RealtimeRelayTls, OpaqueBytesAreCountedAndCutOff) {
  for (const std::int64_t bytes : {1, 700, 100'000}) {
    const bool cut = bytes < 100'000;
    TlsStage stage;
    stage.opaque = true;
    stage.first = [&](Relay& relay) {
      NetworkFault fault{NetworkFault::cut_after};
      fault.count = bytes;
      fault.then = NetworkFault::broken;
      relay.arm({0, "connected", 1, fault});
    };
    stage.run(
        [&](TlsPeer& peer) {
          if (!cut) return ask(peer);
          EXPECT_EQ(peer.shake_or_end(), "reset") << "a certificate is longer than " << bytes;
        },
        [&](TlsPeer& peer) {
          if (!cut) return answer(peer);
          EXPECT_EQ(peer.shake_or_end(), "reset");
        });
    EXPECT_EQ(stage.fault, "");
  }
}

TEST(RealtimeRelayTls, AResetOfWhatIsOpaqueIsOne) {
  TlsStage stage;
  stage.opaque = true;
  stage.run(
      [](TlsPeer& peer) {
        ASSERT_TRUE(peer.shake());
        EXPECT_EQ(peer.end(), "reset");
      },
      [](TlsPeer& peer) {
        ASSERT_TRUE(peer.shake());
        peer.reset();
      });
  EXPECT_EQ(stage.told("closed", "how"), "reset");
}

TEST(TlsFiles, AreNamedWhereTheyAreWrong) {
  const Certificates& c = certificates();
  const auto why = [](auto make) -> std::string {
    try {
      make();
    } catch (const TlsError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(why([&] { TlsEnd::server(c.certificate("rig"), c.key("rig")); }), "");
  EXPECT_EQ(why([&] { TlsEnd::client(c.ca("host"), "host.lab"); }), "");
  EXPECT_THAT(why([&] { TlsEnd::server(c.key("rig"), c.key("rig")); }),
              HasSubstr(c.key("rig") + ": expected a certif"));
  EXPECT_THAT(why([&] { TlsEnd::server(c.certificate("rig"), c.key("host")); }), HasSubstr(c.key("host") + ": expect"));
  EXPECT_THAT(why([&] { TlsEnd::server(c.certificate("expired"), c.key("expired")); }), HasSubstr("not expired"));
  EXPECT_THAT(why([&] { TlsEnd::client(c.key("host"), "host.lab"); }), HasSubstr("certificates of a CA"));
}

}  // namespace
}  // namespace swiperig
