// The bytes of one open descriptor, as the links of this folder share them: non-blocking reads and writes that wait at
// bells, never inside the operating system with a pointer into a caller's frame. Owned by its link and by the
// coroutines suspended in it, so the link may be destroyed under them; a read then ends with 0, a write with
// LinkError{closed}. Every read and write that did not wait yields once, or a device that floods would keep the clock
// from waking anybody else.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "rig/clock.hpp"
#include "rig/link.hpp"

namespace swiperig {

class FdStream : public std::enable_shared_from_this<FdStream> {
 public:
  /// Takes over `fd`. `name` begins every error text.
  FdStream(Clock& clock, int fd, std::string name);
  FdStream(const FdStream&) = delete;
  FdStream& operator=(const FdStream&) = delete;
  virtual ~FdStream() = default;

  static Task<std::size_t> read_some(std::shared_ptr<FdStream> self, std::span<std::uint8_t> into);
  static Task<> write(std::shared_ptr<FdStream> self, std::span<const std::uint8_t> bytes);
  /// fin lets a write under way end, unless the far end takes nothing for half a second.
  void close(Close how);
  /// The owning link is being destroyed: whatever waits here ends.
  void drop();

 protected:
  int fd() { return descriptor_.native_handle(); }
  void shut();
  const std::string& name() const { return name_; }

 private:
  struct Watch {
    Bell bell;
    bool armed = false;
  };

  /// As recv and send: -1 with errno set. What 0 means is the device's: an orderly end, or LinkError.
  virtual std::ptrdiff_t get(std::span<std::uint8_t> into) = 0;
  virtual std::ptrdiff_t put(std::span<const std::uint8_t> bytes) = 0;
  /// Everything written has been given to the kernel: end in order. May keep the descriptor open until `leave`.
  virtual void finish() = 0;
  /// Make closing the descriptor an abrupt end.
  virtual void abort() = 0;
  /// The descriptor goes after an orderly end.
  virtual void leave() = 0;

  Task<> ready(Watch& watch, boost::asio::posix::descriptor_base::wait_type what, Time until);
  [[noreturn]] void fail(int error, const char* doing);

  Clock& clock_;
  boost::asio::posix::stream_descriptor descriptor_;
  std::string name_;
  Watch readable_, writable_;
  int broken_ = 0;
  bool closed_ = false;
  bool finished_ = false;  // half closed: nothing more is written
  bool writing_ = false;
  Time give_up_ = never;  // closed in order: when a write that the far end does not take is broken off
};

/// A link over an FdStream.
class FdLink : public Link {
 public:
  explicit FdLink(std::shared_ptr<FdStream> stream) : stream_(std::move(stream)) {}
  ~FdLink() override { stream_->drop(); }
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override { return FdStream::read_some(stream_, into); }
  Task<> write(std::span<const std::uint8_t> bytes) override { return FdStream::write(stream_, bytes); }
  void close(Close how) override { stream_->close(how); }

 private:
  std::shared_ptr<FdStream> stream_;
};

}  // namespace swiperig
