#include "drivers/link_tcp.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "rig/bytes.hpp"
#include "rig/crew.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

std::string kind_text(LinkError::Kind kind) {
  switch (kind) {
    case LinkError::reset: return "reset";
    case LinkError::refused: return "refused";
    case LinkError::closed: return "closed";
    case LinkError::failed: return "failed";
  }
  return "?";
}

/// Reads to the end: what came, then "|" and how it ended.
Task<> read_all(Link& link, std::string& seen) {
  std::array<std::uint8_t, 4096> chunk;
  try {
    for (;;) {
      const std::size_t n = co_await link.read_some(chunk);
      if (n == 0) break;
      seen += text_of(std::span(chunk).first(n));
    }
    seen += "|end";
  } catch (const LinkError& e) {
    seen += "|" + kind_text(e.kind);
  }
}

Task<> write_text(Link& link, std::string text, std::string& result) {
  try {
    co_await link.write(bytes_of(text));
    result += "written";
  } catch (const LinkError& e) {
    result += kind_text(e.kind);
  }
}

struct Ends {
  std::unique_ptr<Link> near, far;
};

class LinkTcp : public testing::Test {
 protected:
  LinkTcp() { listener = tcp_listener(clock, "127.0.0.1", 0, &port); }

  /// Runs `what` with both ends of a fresh connection.
  void with_ends(std::function<Task<>(Ends&)> what) { clock.run(connect_and(std::move(what))); }

  void run(std::function<Task<>()> what) { clock.run(what()); }

  Task<> connect_and(std::function<Task<>(Ends&)> what) {
    auto dialer = tcp_dialer(clock, "127.0.0.1", port);
    Ends ends;
    auto near = co_await dialer->dial();
    ends.near = std::move(near);
    auto far = co_await listener->accept();
    ends.far = std::move(far);
    co_await what(ends);
  }

  Task<> dial_kind(std::string& result) {
    auto dialer = tcp_dialer(clock, "127.0.0.1", port);
    try {
      auto link = co_await dialer->dial();
      result = "connected";
    } catch (const LinkError& e) {
      result = kind_text(e.kind) + ": " + e.what();
    }
  }

  Task<> accept_kind(std::string& result) {
    try {
      auto link = co_await listener->accept();
      result = "connected";
      co_await clock.sleep_for(2ms);
    } catch (const LinkError& e) {
      result = kind_text(e.kind);
    }
  }

  Task<> after(Duration d, std::function<void()> act) {
    co_await clock.sleep_for(d);
    act();
  }

  SteadyClock clock;
  std::uint16_t port = 0;
  std::unique_ptr<Listener> listener;
};

TEST_F(LinkTcp, BytesGoBothWays) {
  std::string request, response, ignored;
  with_ends([&](Ends& ends) -> Task<> {
    co_await write_text(*ends.near, "request", ignored);
    ends.near->close(Close::fin);
    co_await read_all(*ends.far, request);
    co_await write_text(*ends.far, "not lost: only one direction has ended", ignored);
  });
  EXPECT_EQ(request, "request|end");
  EXPECT_EQ(ignored, "writtenwritten");
}

TEST_F(LinkTcp, AnOrderlyCloseArrivesAfterWhatWasWritten) {
  std::string seen, ignored;
  with_ends([&](Ends& ends) -> Task<> {
    co_await write_text(*ends.far, "last words", ignored);
    ends.far->close(Close::fin);
    ends.far.reset();
    co_await read_all(*ends.near, seen);
  });
  EXPECT_EQ(seen, "last words|end");
}

TEST_F(LinkTcp, AnOrderlyCloseStaysOneThoughSomethingWasNeverRead) {
  std::string seen, ignored;
  with_ends([&](Ends& ends) -> Task<> {
    co_await write_text(*ends.near, "nobody reads this", ignored);
    co_await clock.sleep_for(5ms);
    ends.far->close(Close::fin);
    ends.far.reset();
    co_await read_all(*ends.near, seen);
    co_await write_text(*ends.near, "no reset has come", ignored);
  });
  EXPECT_EQ(seen, "|end");
  EXPECT_EQ(ignored, "writtenwritten");
}

TEST_F(LinkTcp, AResetIsSeenAsOneByReaderAndWriter) {
  std::string seen, again, written;
  with_ends([&](Ends& ends) -> Task<> {
    ends.far->close(Close::reset);
    co_await read_all(*ends.near, seen);
    co_await write_text(*ends.near, "too late", written);
    co_await read_all(*ends.near, again);
  });
  EXPECT_EQ(seen, "|reset");
  EXPECT_EQ(written, "reset");
  EXPECT_EQ(again, "|reset");
}

TEST_F(LinkTcp, AResetThatAWriteHeardFirstIsNoOrderlyEndForTheReader) {
  std::string seen, written;
  with_ends([&](Ends& ends) -> Task<> {
    ends.far->close(Close::reset);
    co_await clock.sleep_for(5ms);
    co_await write_text(*ends.near, "too late", written);
    co_await read_all(*ends.near, seen);
  });
  EXPECT_EQ(written, "reset");
  EXPECT_EQ(seen, "|reset");
}

TEST_F(LinkTcp, ALinkDestroyedOpenIsReset) {
  std::string seen;
  with_ends([&](Ends& ends) -> Task<> {
    ends.far.reset();
    co_await read_all(*ends.near, seen);
  });
  EXPECT_EQ(seen, "|reset");
}

TEST_F(LinkTcp, ClosingHereEndsTheReadHere) {
  for (const Close how : {Close::fin, Close::reset}) {
    std::string near, far;
    with_ends([&](Ends& ends) -> Task<> {
      Crew crew(clock);
      crew.start(read_all(*ends.near, near));
      crew.start(read_all(*ends.far, far));
      crew.start(after(1ms, [&] { ends.near->close(how); }));
      co_await crew.join();
    });
    EXPECT_EQ(near, "|end");
    EXPECT_EQ(far, how == Close::fin ? "|end" : "|reset");
  }
}

TEST_F(LinkTcp, ALinkDestroyedUnderAReaderEndsTheRead) {
  std::string seen;
  with_ends([&](Ends& ends) -> Task<> {
    Crew crew(clock);
    crew.start(read_all(*ends.near, seen));
    crew.start(after(1ms, [&] { ends.near.reset(); }));
    co_await crew.join();
  });
  EXPECT_EQ(seen, "|end");
}

TEST_F(LinkTcp, ALinkDestroyedUnderAWriterEndsTheWrite) {
  for (const bool fin_first : {false, true}) {
    std::string written;
    with_ends([&](Ends& ends) -> Task<> {
      Crew crew(clock);
      crew.start(write_text(*ends.near, std::string(16 << 20, 'x'), written));
      if (fin_first) crew.start(after(1ms, [&] { ends.near->close(Close::fin); }));
      crew.start(after(2ms, [&] { ends.near.reset(); }));
      co_await crew.join();
    });
    EXPECT_EQ(written, "closed");
  }
}

TEST_F(LinkTcp, FinWaitsForAWriteUnderWay) {
  std::string seen, written;
  const std::size_t size = 16 << 20;
  with_ends([&](Ends& ends) -> Task<> {
    Crew crew(clock);
    crew.start(write_text(*ends.near, std::string(size, 'x'), written));
    co_await clock.sleep_for(2ms);
    ends.near->close(Close::fin);
    co_await read_all(*ends.far, seen);
    co_await crew.join();
  });
  EXPECT_EQ(written, "written");
  EXPECT_EQ(seen.size(), size + 4);
  EXPECT_TRUE(seen.ends_with("x|end"));
}

TEST_F(LinkTcp, AMillionBytesArriveInOrder) {
  std::string sent(1 << 20, '\0'), seen, written;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>((i * 2654435761U) >> 24);
  with_ends([&](Ends& ends) -> Task<> {
    Crew crew(clock);
    crew.start(read_all(*ends.far, seen));
    co_await write_text(*ends.near, sent, written);
    ends.near->close(Close::fin);
    co_await crew.join();
  });
  EXPECT_TRUE(seen == sent + "|end") << seen.size();
}

TEST_F(LinkTcp, AFloodLeavesOthersTheirTurns) {
  const int bytes = 2000;
  int turns_while_writing = 0, turns_while_reading = 0;
  with_ends([&](Ends& ends) -> Task<> {
    bool done = false;
    const auto take_turns = [&](int& turns) -> Task<> {
      while (!done) {
        ++turns;
        co_await clock.yield();
      }
    };
    Crew crew(clock);
    std::string ignored;
    crew.start(take_turns(turns_while_writing));
    for (int i = 0; i < bytes; ++i) co_await write_text(*ends.near, "x", ignored);
    done = true;
    co_await crew.join();
    done = false;
    crew.start(take_turns(turns_while_reading));
    std::array<std::uint8_t, 1> one;
    for (int i = 0; i < bytes; ++i) co_await ends.far->read_some(one);
    done = true;
    co_await crew.join();
  });
  EXPECT_GE(turns_while_writing, bytes / 2);
  EXPECT_GE(turns_while_reading, bytes / 2);
}

TEST_F(LinkTcp, AClosedListenerRefusesAndAReopenedOneServesAgain) {
  std::string while_closed, reopened, accepted;
  listener->close();
  clock.run(dial_kind(while_closed));
  EXPECT_EQ(while_closed.substr(0, 8), "refused:");
  EXPECT_NE(while_closed.find("tcp:127.0.0.1:" + std::to_string(port)), std::string::npos) << while_closed;
  listener->reopen();
  run([&]() -> Task<> {
    Crew crew(clock);
    crew.start(dial_kind(reopened));
    crew.start(accept_kind(accepted));
    co_await crew.join();
  });
  EXPECT_EQ(reopened, "connected");
  EXPECT_EQ(accepted, "connected");
}

TEST_F(LinkTcp, ClosingOrDestroyingAListenerEndsAccept) {
  const std::function<void()> ends[] = {[&] { listener->close(); }, [&] { listener.reset(); },
                                        [&] {
                                          listener->close();
                                          listener->reopen();
                                        }};
  for (const auto& end : ends) {
    std::string accepted;
    listener = tcp_listener(clock, "127.0.0.1", 0, &port);
    run([&]() -> Task<> {
      Crew crew(clock);
      crew.start(accept_kind(accepted));
      crew.start(after(1ms, end));
      co_await crew.join();
    });
    EXPECT_EQ(accepted, "closed");
  }
}

TEST_F(LinkTcp, AWaitingCallerIsResetWhenTheListenerCloses) {
  std::string seen;
  auto dialer = tcp_dialer(clock, "127.0.0.1", port);
  run([&]() -> Task<> {
    auto link = co_await dialer->dial();
    listener->close();
    co_await read_all(*link, seen);
  });
  EXPECT_EQ(seen, "|reset");
}

TEST_F(LinkTcp, APortInUseIsNamedInTheError) {
  try {
    auto second = tcp_listener(clock, "127.0.0.1", port);
    FAIL() << "listens twice";
  } catch (const LinkError& e) {
    EXPECT_EQ(e.kind, LinkError::failed);
    EXPECT_NE(std::string(e.what()).find("127.0.0.1:" + std::to_string(port)), std::string::npos) << e.what();
  }
}

TEST_F(LinkTcp, ADialIntoSilenceEndsWhenItsDialerCloses) {
  // a listener whose queue is full answers nothing, like a network that drops everything
  const int deaf = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(deaf, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(deaf, 0), 0);
  ASSERT_EQ(::getsockname(deaf, reinterpret_cast<sockaddr*>(&at), &size), 0);
  std::vector<std::string> ended;
  auto dialer = tcp_dialer(clock, "127.0.0.1", ntohs(at.sin_port));
  const auto dial = [&](std::unique_ptr<Link>& link) -> Task<> {
    try {
      link = co_await dialer->dial();
    } catch (const LinkError& e) {
      ended.push_back(kind_text(e.kind));
    }
  };
  std::array<std::unique_ptr<Link>, 4> links;
  Time closed{}, over{};
  run([&]() -> Task<> {
    Crew crew(clock);
    for (auto& link : links) crew.start(dial(link));
    co_await clock.sleep_for(100ms);
    EXPECT_LT(std::count_if(links.begin(), links.end(), [](const auto& l) { return l != nullptr; }), 4)
        << "nobody was kept waiting";
    closed = clock.now();
    dialer->close();
    co_await crew.join();
    over = clock.now();
    std::unique_ptr<Link> late;
    co_await dial(late);
  });
  ::close(deaf);
  EXPECT_LT(over - closed, 1s);
  EXPECT_GE(ended.size(), 2U);
  EXPECT_EQ(std::count(ended.begin(), ended.end(), "closed"), static_cast<std::ptrdiff_t>(ended.size()));
}

TEST_F(LinkTcp, NamesAreResolvedAndUnknownOnesFail) {
  std::string found, unknown;
  run([&]() -> Task<> {
    auto here = tcp_dialer(clock, "localhost", port);
    auto link = co_await here->dial();
    found = link ? "connected" : "";
    auto nowhere = tcp_dialer(clock, "no-such-host.invalid", 5025);
    try {
      auto other = co_await nowhere->dial();
    } catch (const LinkError& e) {
      unknown = kind_text(e.kind) + ": " + e.what();
    }
  });
  EXPECT_EQ(found, "connected");
  EXPECT_EQ(unknown.substr(0, 36), "failed: tcp:no-such-host.invalid:502") << unknown;
}

class RealtimeLinkTcp : public LinkTcp {};

// the twin with a reader is FinWaitsForAWriteUnderWay
TEST_F(RealtimeLinkTcp, ClosingInOrderBreaksOffAWriteThatNobodyTakes) {
  std::string written;
  Time asked{}, over{};
  with_ends([&](Ends& ends) -> Task<> {
    Crew crew(clock);
    crew.start(write_text(*ends.near, std::string(16 << 20, 'x'), written));
    co_await clock.sleep_for(5ms);
    asked = clock.now();
    ends.near->close(Close::fin);
    co_await crew.join();
    over = clock.now();
  });
  EXPECT_EQ(written, "closed");
  EXPECT_GE(over - asked, 400ms) << "what was written last had no time to go";
  EXPECT_LT(over - asked, 5s);
}

}  // namespace
}  // namespace swiperig
