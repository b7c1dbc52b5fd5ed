#include "drivers/link_served.hpp"

namespace swiperig {

namespace {

class ServedLink final : public Link {
 public:
  explicit ServedLink(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}

  Task<std::size_t> read_some(std::span<std::uint8_t> into) override {
    for (;;) {
      if (closed_) co_return 0;
      if (!caller_) {
        std::unique_ptr<Link> next;
        try {
          next = co_await listener_->accept();
        } catch (const LinkError& error) {
          if (error.kind != LinkError::closed) throw;
          co_return 0;
        }
        caller_ = std::move(next);
      }
      const std::shared_ptr<Link> caller = caller_;  // may be replaced while we read
      std::size_t n = 0;
      try {
        n = co_await caller->read_some(into);
      } catch (const LinkError&) {
        n = 0;
      }
      if (n > 0) co_return n;
      if (caller_ == caller) caller_.reset();
    }
  }

  Task<> write(std::span<const std::uint8_t> bytes) override {
    const std::shared_ptr<Link> caller = caller_;
    if (!caller) co_return;
    try {
      co_await caller->write(bytes);
    } catch (const LinkError&) {
      // the caller hung up in the middle; the next read notices
    }
  }

  void close(Close how) override {
    closed_ = true;
    listener_->close();
    if (caller_) caller_->close(how);
  }

 private:
  std::unique_ptr<Listener> listener_;
  std::shared_ptr<Link> caller_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<Link> served_link(std::unique_ptr<Listener> listener) {
  return std::make_unique<ServedLink>(std::move(listener));
}

}  // namespace swiperig
