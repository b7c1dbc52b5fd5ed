// The one thread that calls libusb and asks the kernel about devices. Calls into a USB stack may take long, and with a
// device that hangs they may take for ever; so the bench's loop leaves work here and is told the outcome, never the
// other way round: this thread waits for nobody. libusb's own looking for devices is off: no second thread, and the
// same behaviour with and without udev. Stopping is bounded: transfers in flight are cancelled and waited for, and a
// thread that the kernel does not give back within a second is left to it, together with what it holds.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "rig/clock.hpp"
#include "rig/link.hpp"

struct libusb_context;

namespace swiperig {

/// Where the two sides leave work for each other.
class UsbDesk {
 public:
  explicit UsbDesk(Clock& clock);
  ~UsbDesk();
  /// Any thread: `work` is done in the USB thread, in order; nothing is once it has ended.
  void post(std::function<void()> work);
  /// The USB thread: `news` is run by the bench's loop, in order; nothing is when that has gone.
  void tell(std::function<void()> news);
  /// The bench's loop has gone.
  bool alone();
  /// Bench time, in any thread.
  Time now();
  libusb_context* context = nullptr;                  ///< the USB thread's
  int flying = 0;                                     ///< transfers that libusb holds; the USB thread's
  std::map<const void*, std::function<void()>> open;  ///< how what is open is ended, when the thread stops; its own

 private:
  friend class UsbThread;
  struct Loop;
  std::mutex mutex_;
  std::unique_ptr<Loop> loop_;  // null: the bench's loop has gone
  std::deque<std::function<void()>> work_;
  bool stop_ = false, ended_ = false;
};

class UsbThread {
 public:
  /// Throws LinkError{failed} when libusb cannot be begun.
  explicit UsbThread(Clock& clock);
  UsbThread(const UsbThread&) = delete;
  UsbThread& operator=(const UsbThread&) = delete;
  ~UsbThread();
  const std::shared_ptr<UsbDesk>& desk() const { return desk_; }

 private:
  static void run(std::shared_ptr<UsbDesk> desk);
  std::shared_ptr<UsbDesk> desk_;
  std::thread thread_;
};

/// How long one step in the USB thread may take.
constexpr Duration kUsbPatience = std::chrono::seconds(5);

/// Does `work` in the USB thread and waits for what it gives; rethrows what it throws. LinkError{failed} when the
/// kernel has not answered in time; what was asked for may still happen then, and its outcome is dropped.
template <class T>
Task<T> usb_call(Clock& clock, std::shared_ptr<UsbDesk> desk, std::function<T()> work, std::string doing) {
  struct Answer {
    std::optional<T> value;
    std::exception_ptr failure;
    bool given = false;
    Bell bell;
  };
  const auto answer = std::make_shared<Answer>();
  desk->post([answer, desk, work = std::move(work)] {
    std::optional<T> value;
    std::exception_ptr failure;
    try {
      value.emplace(work());
    } catch (...) {
      failure = std::current_exception();
    }
    desk->tell([answer, value = std::move(value), failure] {
      answer->value = value;
      answer->failure = failure;
      answer->given = true;
      answer->bell.ring();
    });
  });
  for (const Time limit = clock.now() + kUsbPatience; !answer->given;) {
    const bool rung = co_await clock.wait(answer->bell, limit);
    if (rung || answer->given) continue;
    throw LinkError(LinkError::failed, doing + ": the kernel has not answered within " + to_text(kUsbPatience) +
                                           "; switch the device or its hub off and on");
  }
  if (answer->failure) std::rethrow_exception(answer->failure);
  co_return std::move(*answer->value);
}

}  // namespace swiperig
