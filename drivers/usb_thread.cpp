#include "drivers/usb_thread.hpp"

#include <libusb.h>
#include <sys/time.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <vector>

namespace swiperig {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int kLongestSleepUs = 100'000;
constexpr Duration kLastTransfers = 1s;  // cancelled ones come back within milliseconds

/// What the kernel has not given back may still be written to: it stays until the program ends.
void leave_to_kernel(std::shared_ptr<UsbDesk> desk) {
  static std::mutex mutex;
  static std::vector<std::shared_ptr<UsbDesk>> left;
  const std::lock_guard lock(mutex);
  left.push_back(std::move(desk));
}

}  // namespace

struct UsbDesk::Loop {
  explicit Loop(Clock& c) : clock(c), guard(asio::make_work_guard(c.context())) {}
  Clock& clock;
  asio::executor_work_guard<asio::io_context::executor_type> guard;  // a loop with nothing else to wait for still waits
  std::condition_variable ended;
};

UsbDesk::UsbDesk(Clock& clock) : loop_(std::make_unique<Loop>(clock)) {}
UsbDesk::~UsbDesk() = default;

void UsbDesk::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  work_.push_back(std::move(work));
  libusb_interrupt_event_handler(context);
}

void UsbDesk::tell(std::function<void()> news) {
  const std::lock_guard lock(mutex_);
  if (loop_) asio::post(loop_->guard.get_executor(), std::move(news));
}

bool UsbDesk::alone() {
  const std::lock_guard lock(mutex_);
  return loop_ == nullptr;
}

Time UsbDesk::now() {
  const std::lock_guard lock(mutex_);
  return loop_ ? loop_->clock.now() : Time{};
}

UsbThread::UsbThread(Clock& clock) : desk_(std::make_shared<UsbDesk>(clock)) {
  libusb_set_option(nullptr, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);
  const int error = libusb_init(&desk_->context);
  if (error != 0) throw LinkError(LinkError::failed, std::string("usb: cannot begin: ") + libusb_strerror(error));
  thread_ = std::thread(run, desk_);
}

void UsbThread::run(std::shared_ptr<UsbDesk> desk) {
  const auto turn = [&](int most_us) {
    timeval most{0, most_us};
    libusb_handle_events_timeout_completed(desk->context, &most, nullptr);
  };
  std::optional<Time> limit;
  for (;;) {
    std::deque<std::function<void()>> work;
    bool stop = false;
    {
      const std::lock_guard lock(desk->mutex_);
      work.swap(desk->work_);
      stop = desk->stop_;
    }
    for (const auto& one : work) one();
    if (stop) {
      if (!limit) limit = desk->now() + kLastTransfers;
      for (const auto& [what, end] : std::map(desk->open)) end();
    }
    if (limit && work.empty() && (desk->flying == 0 || desk->alone() || desk->now() >= *limit)) break;
    turn(limit ? 1000 : kLongestSleepUs);
  }
  {
    const std::lock_guard lock(desk->mutex_);
    desk->ended_ = true;
    desk->work_.clear();
  }
  desk->flying == 0 ? libusb_exit(desk->context) : leave_to_kernel(desk);
  const std::lock_guard lock(desk->mutex_);
  if (desk->loop_) desk->loop_->ended.notify_all();
}

UsbThread::~UsbThread() {
  std::unique_lock lock(desk_->mutex_);
  desk_->stop_ = true;
  libusb_interrupt_event_handler(desk_->context);
  const bool ended = desk_->loop_->ended.wait_for(lock, kLastTransfers * 2, [&] { return desk_->ended_; });
  desk_->loop_.reset();
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    leave_to_kernel(desk_);
    thread_.detach();  // within the kernel, and not to be had back; it touches nothing but its desk
  }
}

}  // namespace swiperig
