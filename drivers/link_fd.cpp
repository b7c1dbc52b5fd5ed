#include "drivers/link_fd.hpp"

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace swiperig {

namespace asio = boost::asio;

namespace {

/// What is being written when a link is closed in order has so long to move on.
constexpr Duration kLastWords = std::chrono::milliseconds(500);

}  // namespace

FdStream::FdStream(Clock& clock, int fd, std::string name)
    : clock_(clock), descriptor_(clock.context(), fd), name_(std::move(name)) {
  descriptor_.native_non_blocking(true);
}

void FdStream::fail(int error, const char* doing) {
  const std::string what = name_ + ": " + doing + ": " + std::generic_category().message(error);
  broken_ = error;
  const bool broken = error == ECONNRESET || error == EPIPE || error == EIO || error == ENODEV || error == ENXIO;
  throw LinkError(broken ? LinkError::reset : LinkError::failed, what);
}

/// Ends what waits at `ready`, too.
void FdStream::shut() {
  boost::system::error_code ignored;
  if (descriptor_.is_open()) descriptor_.close(ignored);
}

Task<> FdStream::ready(Watch& watch, asio::posix::descriptor_base::wait_type what, Time until) {
  if (!watch.armed) {
    watch.armed = true;
    descriptor_.async_wait(what, [self = shared_from_this(), &watch](const boost::system::error_code&) {
      watch.armed = false;
      watch.bell.ring();
    });
  }
  co_await clock_.wait(watch.bell, until);
}

Task<std::size_t> FdStream::read_some(std::shared_ptr<FdStream> self, std::span<std::uint8_t> into) {
  for (;;) {
    if (self->closed_) co_return 0;
    const std::ptrdiff_t got = self->get(into);
    const int error = got < 0 ? errno : 0;
    // The kernel tells a reset once; where a write has heard it, the read sees a plain end.
    if (got == 0 && self->broken_ != 0) self->fail(self->broken_, "read");
    if (got >= 0) {
      co_await self->clock_.yield();
      if (self->closed_) co_return 0;
      co_return static_cast<std::size_t>(got);
    }
    if (error == EINTR) continue;
    if (error != EAGAIN && error != EWOULDBLOCK) self->fail(error, "read");
    co_await self->ready(self->readable_, asio::posix::descriptor_base::wait_read, never);
  }
}

Task<> FdStream::write(std::shared_ptr<FdStream> self, std::span<const std::uint8_t> bytes) {
  if (self->closed_ || self->finished_) throw LinkError(LinkError::closed, self->name_ + ": write after closing");
  struct Writing {
    FdStream& stream;
    explicit Writing(FdStream& s) : stream(s) { stream.writing_ = true; }
    ~Writing() {
      stream.writing_ = false;
      if ((stream.closed_ || stream.finished_) && stream.descriptor_.is_open()) stream.finish();
    }
  } writing(*self);
  while (!bytes.empty()) {
    if (!self->descriptor_.is_open()) throw LinkError(LinkError::closed, self->name_ + ": closed here while writing");
    const std::ptrdiff_t put = self->put(bytes);
    const int error = put < 0 ? errno : 0;
    if (put > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      if (self->closed_) self->give_up_ = self->clock_.now() + kLastWords;
    } else if (put == 0 || error == EAGAIN || error == EWOULDBLOCK) {
      if (self->closed_ && self->clock_.now() >= self->give_up_) {
        self->abort();
        self->shut();
        continue;
      }
      co_await self->ready(self->writable_, asio::posix::descriptor_base::wait_write, self->give_up_);
    } else if (error != EINTR) {
      self->fail(error, "write");
    }
  }
  co_await self->clock_.yield();
}

void FdStream::close(Close how) {
  if (closed_) return;
  if (how == Close::half) {
    finished_ = true;
    if (!writing_) finish();
    return;
  }
  closed_ = true;
  readable_.bell.ring();
  if (how == Close::reset) {
    abort();
    shut();
  } else if (!writing_) {
    finish();
  } else {
    give_up_ = clock_.now() + kLastWords;
    writable_.bell.ring();
  }
}

void FdStream::drop() {
  if (!closed_) {
    close(Close::reset);
  } else if (descriptor_.is_open()) {
    writing_ ? abort() : leave();
    shut();
  }
}

}  // namespace swiperig
