// USB devices for the rig's own code on a machine without USB: umockdev supplies sysfs, the device nodes and the
// kernel's news, and MockUsb answers the ioctls of usbfs as a script says. Needs libumockdev-preload in LD_PRELOAD, and
// all of it belongs to one testbed at a time.
#pragma once

#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <umockdev.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "rig/bytes.hpp"

namespace swiperig {

/// The machine into which devices are plugged: bus 1 and its root hub.
class MockMachine {
 public:
  MockMachine();
  MockMachine(const MockMachine&) = delete;
  MockMachine& operator=(const MockMachine&) = delete;
  ~MockMachine();
  UMockdevTestbed* testbed() const { return testbed_; }
  std::string root() const;

 private:
  UMockdevTestbed* testbed_;
};

struct MockShape {
  std::string port = "1-2";
  int address = 2;
  Bytes descriptors;
  std::string serial = "42";
  std::map<unsigned, std::string> drivers = {};  ///< interface: who of the kernel has it
};

/// What a hub does with a request to a port: the answer's bytes, or nothing for a stall. `setup`: its eight bytes.
using MockAnswer = std::function<std::optional<Bytes>(const Bytes& setup)>;

/// 1d6b:0104 unless said otherwise: one vendor interface, bulk IN 0x81 and OUT 0x02, 512 bytes a packet.
Bytes vendor_descriptors(std::uint16_t product = 0x0104, std::uint8_t attributes = 2);
/// A USB 2 hub, 2109:3431 unless said otherwise.
Bytes hub_descriptors(std::uint16_t product = 0x3431);
/// A human-interface device, one interface, interrupt IN 0x81 of 64 bytes, whose report descriptor has so many bytes.
Bytes hid_descriptors(std::size_t report_descriptor_bytes);
/// A CDC-ACM port: control interface 0 with its notifications, data interface 1, bulk IN 0x82 and OUT 0x03.
Bytes acm_descriptors();

class MockUsb {
 public:
  MockUsb(MockMachine& machine, MockShape shape);
  MockUsb(const MockUsb&) = delete;
  MockUsb& operator=(const MockUsb&) = delete;
  ~MockUsb();

  void plug();
  /// Whatever flies ends with `status`: -EPROTO is what the real stack gives, -ESHUTDOWN what usbfs gives at its end.
  void unplug(int status = -EPROTO);
  void move_to(int address) { shape_.address = address; }

  /// The next IN transfer gets these bytes and ends so.
  void send(Bytes bytes, int status = 0);
  void send(const std::string& text) { send(Bytes(text.begin(), text.end())); }
  /// From now on every IN transfer is filled at once: the device never stops.
  void flood(Bytes bytes);
  /// OUT transfers are kept and never end by themselves.
  void take_nothing(bool on) { hold_out_ = on; }
  void refuse_cancel(bool on) { hold_cancel_ = on; }
  /// Claiming waits inside the kernel until it is let go.
  void hang_claim(bool on);
  /// Answers a class request of the control endpoint with a stall.
  void stall_controls(bool on) { stall_controls_ = on; }
  /// Answers control requests instead; called in another thread.
  void answer_controls(MockAnswer answer) { answer_ = std::move(answer); }

  std::vector<Bytes> received();
  /// Setup and data of every control request.
  std::vector<Bytes> controls();
  /// "detach 0", "claim 1", "release 1", "attach 0", "clear_halt 81".
  std::vector<std::string> calls();
  std::size_t in_flight();
  std::uint64_t submits() const { return submits_; }

 private:
  struct In {
    Bytes bytes;
    int status;
  };
  std::string node() const;
  bool ioctl(UMockdevIoctlClient* client);
  bool submit(UMockdevIoctlClient* client, UMockdevIoctlData* arg);
  bool reap(UMockdevIoctlClient* client, UMockdevIoctlData* arg);
  bool discard(UMockdevIoctlClient* client, UMockdevIoctlData* arg);
  bool driver_of(UMockdevIoctlClient* client, UMockdevIoctlData* arg);
  bool to_driver(UMockdevIoctlClient* client, UMockdevIoctlData* arg);
  bool claim(UMockdevIoctlClient* client, UMockdevIoctlData* arg, bool on);
  void answer_control(UMockdevIoctlData* data);
  void finish(UMockdevIoctlData* urb, int status, const Bytes& bytes);
  void match();

  MockMachine& machine_;
  MockShape shape_;
  UMockdevIoctlBase* base_;
  std::mutex mutex_;
  std::condition_variable let_go_;
  bool gone_ = true, plugged_ = false, hang_ = false;
  std::atomic<bool> hold_out_ = false, hold_cancel_ = false, stall_controls_ = false;
  std::atomic<std::uint64_t> submits_ = 0;
  std::list<UMockdevIoctlData*> flying_;
  std::deque<UMockdevIoctlData*> done_, dead_;
  std::deque<In> in_;
  Bytes flood_;
  MockAnswer answer_;
  std::vector<Bytes> out_, controls_;
  std::vector<std::string> calls_;
};

}  // namespace swiperig
