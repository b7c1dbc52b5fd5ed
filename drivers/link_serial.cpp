#include "drivers/link_serial.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "drivers/link_fd.hpp"

namespace swiperig {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw LinkError(LinkError::failed, name + ": " + why);
}

std::string text_of_error(int error) { return std::generic_category().message(error); }

/// An open descriptor until somebody takes it over.
struct Fd {
  explicit Fd(int fd) : number(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (number >= 0) ::close(number);
  }
  int take() { return std::exchange(number, -1); }
  int number;
};

class TtyStream : public FdStream {
 public:
  using FdStream::FdStream;

 private:
  std::ptrdiff_t get(std::span<std::uint8_t> into) override {
    const std::ptrdiff_t n = ::read(fd(), into.data(), into.size());
    if (n == 0) throw LinkError(LinkError::reset, name() + ": the device is gone (unplugged?)");
    return n;
  }
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override { return ::write(fd(), bytes.data(), bytes.size()); }
  void finish() override {
    leave();
    shut();
  }
  void abort() override {
    ::tcflush(fd(), TCIOFLUSH);
    leave();
  }
  // Exclusive use outlives a descriptor as long as anybody else holds the port open.
  void leave() override { ::ioctl(fd(), TIOCNXCL); }
};

struct Rate {
  int baud;
  speed_t code;
};
constexpr std::array kRates = {
    Rate{1200, B1200},       Rate{2400, B2400},       Rate{4800, B4800},       Rate{9600, B9600},
    Rate{19200, B19200},     Rate{38400, B38400},     Rate{57600, B57600},     Rate{115200, B115200},
    Rate{230400, B230400},   Rate{460800, B460800},   Rate{500000, B500000},   Rate{576000, B576000},
    Rate{921600, B921600},   Rate{1000000, B1000000}, Rate{1152000, B1152000}, Rate{1500000, B1500000},
    Rate{2000000, B2000000}, Rate{2500000, B2500000}, Rate{3000000, B3000000}, Rate{4000000, B4000000}};

speed_t code_of(const std::string& name, int baud) {
  std::string known;
  for (const Rate& rate : kRates) {
    if (rate.baud == baud) return rate.code;
    known += (known.empty() ? "" : ", ") + std::to_string(rate.baud);
  }
  refuse(name, "baud " + std::to_string(baud) + " is not one of " + known);
}

std::string why_not_open(int error) {
  switch (error) {
    case ENOENT: return "no such device; is it plugged in, and is the name right (ls -l /dev/serial/by-id)?";
    case EACCES:
    case EPERM:
      return "permission denied; add the user to the device's group (ls -l shows it, often dialout) and log in again";
    case EBUSY: return "taken by another program; find it with fuser and end it";
    case EISDIR: return "not a serial port but a directory";
    case ENXIO:
    case ENODEV:
    case EIO: return "no device answers behind this name; plug it in again";
    default: return "cannot open: " + text_of_error(error);
  }
}

void set_raw(const std::string& name, int fd, speed_t speed) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) refuse(name, "cannot read its settings: " + text_of_error(errno));
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(HUPCL | CSTOPB | CRTSCTS);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  ::cfsetispeed(&settings, speed);
  ::cfsetospeed(&settings, speed);
  if (::tcsetattr(fd, TCSANOW, &settings) != 0) refuse(name, "cannot set 8N1 raw: " + text_of_error(errno));
  // tcsetattr is content when any of the settings was taken
  termios taken{};
  if (::tcgetattr(fd, &taken) != 0 || ::cfgetospeed(&taken) != speed || (taken.c_cflag & CSIZE) != CS8) {
    refuse(name, "the device does not take this baud rate with 8 data bits");
  }
}

class PtyStream final : public FdStream {
 public:
  PtyStream(Clock& clock, int fd, std::string name, int far_fd, std::string far_name, std::string published)
      : FdStream(clock, fd, std::move(name)),
        far_(far_fd),
        far_name_(std::move(far_name)),
        published_(std::move(published)) {}
  ~PtyStream() override { unpublish(); }

 private:
  std::ptrdiff_t get(std::span<std::uint8_t> into) override { return ::read(fd(), into.data(), into.size()); }
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override { return ::write(fd(), bytes.data(), bytes.size()); }
  // What was written stays readable until the link is destroyed.
  void finish() override { unpublish(); }
  void abort() override { unpublish(); }
  void leave() override {}
  void unpublish() {
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(published_, ignored);
    if (target == far_name_) std::filesystem::remove(published_, ignored);
  }

  Fd far_;
  std::string far_name_, published_;
};

void publish(const std::string& name, const std::string& target, const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code e;
  const fs::path parent = fs::path(path).parent_path();
  fs::path made;
  for (const fs::path& part : parent) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) != 0 && errno != EEXIST && !fs::is_directory(made, e)) {
      refuse(name, "cannot make the directory " + made.string() + ": " + text_of_error(errno));
    }
  }
  const fs::file_status there = fs::symlink_status(path, e);
  if (fs::exists(there) && !fs::is_symlink(there)) {
    refuse(name, path + " exists and is no symbolic link; remove it or choose another name");
  }
  const std::string fresh = path + "." + std::to_string(::getpid()) + ".new";
  fs::remove(fresh, e);
  fs::create_symlink(target, fresh, e);
  if (!e) fs::rename(fresh, path, e);
  if (!e) return;
  const std::string why = e.message();
  fs::remove(fresh, e);
  refuse(name, "cannot publish " + target + " as " + path + ": " + why);
}

}  // namespace

int open_serial(const std::string& device, int baud) {
  const std::string name = "serial:" + device;
  const speed_t speed = code_of(name, baud);
  Fd port(::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (port.number < 0) refuse(name, why_not_open(errno));
  if (::isatty(port.number) == 0) refuse(name, "not a serial port (not a tty)");
  // TIOCEXCL does not keep the superuser out, the lock does among programs that ask
  if (::flock(port.number, LOCK_EX | LOCK_NB) != 0) refuse(name, why_not_open(EBUSY));
  if (::ioctl(port.number, TIOCEXCL) != 0) refuse(name, "cannot take it exclusively: " + text_of_error(errno));
  set_raw(name, port.number, speed);
  return port.take();
}

std::unique_ptr<Link> serial_link(Clock& clock, const std::string& device, int baud) {
  Fd port(open_serial(device, baud));
  auto stream = std::make_shared<TtyStream>(clock, port.number, "serial:" + device);
  port.take();
  return std::make_unique<FdLink>(std::move(stream));
}

std::unique_ptr<Link> pty_link(Clock& clock, const std::string& symlink_path) {
  const std::string name = "pty:" + symlink_path;
  Fd near(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  std::array<char, PATH_MAX> far_name{};
  if (near.number < 0 || ::grantpt(near.number) != 0 || ::unlockpt(near.number) != 0 ||
      ::ptsname_r(near.number, far_name.data(), far_name.size()) != 0) {
    refuse(name, "cannot make a pseudo-terminal: " + text_of_error(errno));
  }
  Fd far(::open(far_name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (far.number < 0) refuse(name, std::string("cannot open ") + far_name.data() + ": " + text_of_error(errno));
  set_raw(name, far.number, B115200);
  publish(name, far_name.data(), symlink_path);
  auto stream =
      std::make_shared<PtyStream>(clock, near.number, name, far.number, std::string(far_name.data()), symlink_path);
  near.take();
  far.take();
  return std::make_unique<FdLink>(std::move(stream));
}

}  // namespace swiperig
