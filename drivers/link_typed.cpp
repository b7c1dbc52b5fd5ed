#include "drivers/link_typed.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "drivers/link_fd.hpp"

namespace swiperig {
namespace {

class Typed final : public FdStream {
 public:
  Typed(Clock& clock, int fd, int modes) : FdStream(clock, fd, "standard input"), modes_(modes) {}
  // others that share the terminal find it blocking, as it was
  ~Typed() override { ::fcntl(STDIN_FILENO, F_SETFL, modes_); }

 private:
  std::ptrdiff_t get(std::span<std::uint8_t> into) override { return ::read(fd(), into.data(), into.size()); }
  std::ptrdiff_t put(std::span<const std::uint8_t>) override {
    errno = EBADF;
    return -1;
  }
  void finish() override { shut(); }
  void abort() override {}
  void leave() override {}

  const int modes_;
};

}  // namespace

std::unique_ptr<Link> typed_link(Clock& clock) {
  const int modes = ::fcntl(STDIN_FILENO, F_GETFL);
  const int fd = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  if (modes < 0 || fd < 0) throw std::system_error(errno, std::generic_category(), "standard input");
  return std::make_unique<FdLink>(std::make_shared<Typed>(clock, fd, modes));
}

}  // namespace swiperig
