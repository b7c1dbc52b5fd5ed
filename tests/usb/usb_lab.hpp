// A link to a mock USB device on a steady clock, and what was read and seen through it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>

#include "drivers/link_usb.hpp"
#include "rig/crew.hpp"
#include "tests/usb/mock_usb.hpp"

namespace swiperig {

using namespace std::chrono_literals;

class UsbLab : public testing::Test {
 protected:
  UsbLab() { settings.device = {0x1d6b, 0x0104, "", ""}; }

  void run(const std::function<Task<>()>& what) { clock.run(what()); }

  /// Opens the link, does `work` while the link is read, closes it and waits until all have ended.
  void with_link(const std::function<Task<>()>& work) {
    run([&]() -> Task<> {
      terminal = co_await usb_link(clock, settings, tap);
      Crew crew(clock);
      crew.start(read_all());
      crew.start(see_all());
      std::exception_ptr failure;
      try {
        co_await work();
      } catch (...) {
        failure = std::current_exception();
      }
      terminal.link->close(Close::fin);
      co_await crew.join();
      terminal = {};
      if (failure) std::rethrow_exception(failure);
    });
  }

  Task<> read_all() {
    std::array<std::uint8_t, 65536> chunk;
    try {
      for (;;) {
        const std::size_t n = co_await terminal.link->read_some(chunk);
        if (n == 0) break;
        reads.push_back(n);
        text += text_of(BytesView(chunk).first(n));
      }
      read_end = "closed";
    } catch (const LinkError& e) {
      read_end = e.what();
    }
  }

  Task<> see_all() {
    try {
      for (;;) {
        Seen one = co_await terminal.presence->next();
        seen.push_back(std::move(one));
      }
    } catch (const LinkError&) {
      see_end = "closed";
    } catch (const EquipmentError& e) {
      see_end = e.what();
    }
  }

  /// False: it did not become so within five seconds.
  Task<bool> until(std::function<bool()> true_now) {
    for (const Time limit = clock.now() + 5s; !true_now() && clock.now() < limit;) co_await clock.sleep_for(1ms);
    co_return true_now();
  }

  /// "usb+ 1-2 1d6b:0104 serial 42, address 2" or "usb- ...".
  std::vector<std::string> presence() const {
    std::vector<std::string> all;
    for (const Seen& s : seen) {
      if (const auto* p = std::get_if<Presence>(&s.body)) all.push_back(p->what + (p->up ? "+ " : "- ") + p->where);
    }
    return all;
  }
  std::vector<std::string> remarks() const {
    std::vector<std::string> all;
    for (const Seen& s : seen) {
      if (const auto* t = std::get_if<Text>(&s.body)) all.push_back(t->text);
    }
    return all;
  }

  /// What opening says; "" when it opens.
  std::string refusal() {
    std::string why;
    settings.wait = 100ms;
    run([&]() -> Task<> {
      try {
        UsbTerminal opened = co_await usb_link(clock, settings, tap);
      } catch (const LinkError& e) {
        why = e.kind == LinkError::failed ? e.what() : "of another kind";
      }
    });
    return why;
  }

  MockMachine machine;
  SteadyClock clock;
  UsbLinkSettings settings;
  std::shared_ptr<Tap> tap;
  UsbTerminal terminal;
  std::vector<Seen> seen;
  std::vector<std::size_t> reads;
  std::string text, read_end, see_end;
};

}  // namespace swiperig
