// One USB device while it is open: the transfers that fly, and the bytes that came. Made and ended in the USB thread,
// read and written by the bench's loop. Several IN transfers are in flight at all times; each that completes is stamped
// there, kept in order, and sent off again unless a megabyte waits to be read. What breaks a transfer ends the session,
// once: an unplugged device, a protocol error, more bytes than asked for, an endpoint that stalls again and again.
// Reports of a human-interface device are compared with their descriptor; those that lie are told and not handed over.
// Every transfer is owned until its one completion; when the last is back the interfaces are released, the kernel's
// drivers get back what was theirs, and the device is closed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/usb_claim.hpp"
#include "drivers/usb_thread.hpp"
#include "rig/masked_stream.hpp"

struct libusb_transfer;

namespace swiperig {

struct UsbSettings {
  UsbLine line;
  std::size_t transfer_bytes = 0;  ///< of an IN transfer; 0: one packet, so that no message waits for the next
  int in_flight = 8;               ///< IN transfers
  /// How its stream is cut and what of it is masked in a capture; null: as text. Of reports (hid_report) each is handed
  /// over behind two bytes of length, with its ID, 0 where it has none.
  std::shared_ptr<const TerminalLink> words = {};
  /// In the bench's loop: what came and cannot be believed, a few of a session.
  std::function<void(std::string, Time)> remark = {};
};

class UsbSession : public std::enable_shared_from_this<UsbSession> {
 public:
  /// In the USB thread. Throws as UsbClaim does.
  static std::shared_ptr<UsbSession> open(std::shared_ptr<UsbDesk> desk, const UsbDevice& device, const UsbPipes& pipes,
                                          const UsbSettings& settings, std::shared_ptr<Tap> tap);
  ~UsbSession();

  // The bench's loop. A session ends (`end`, or by itself) with LinkError{reset} for whoever reads or writes.
  static Task<std::size_t> read_some(Clock& clock, std::shared_ptr<UsbSession> self, std::span<std::uint8_t> into);
  static Task<> write(Clock& clock, std::shared_ptr<UsbSession> self, std::span<const std::uint8_t> bytes);
  /// A read ends with LinkError{reset}; a write under way may go on until `last_words`, then the session ends.
  void stop_reading(Time last_words);
  /// Transfers are called back; what waits here ends. Returns at once.
  void end();

  const UsbDevice& device() const { return device_; }
  bool takes_bytes() const { return pipes_.out.has_value(); }
  /// Why and when it ended by itself; "": it lives, or was ended.
  std::string broken(Time& at);
  /// Everything is back and given back.
  bool over();

 private:
  struct Arrival {
    Bytes bytes;
    std::size_t taken = 0;
  };

  UsbSession(std::shared_ptr<UsbDesk> desk, UsbDevice device, UsbPipes pipes, UsbSettings settings,
             std::shared_ptr<Tap> tap);
  // the USB thread
  void start_reading();
  void submit(libusb_transfer* transfer);
  void submit_parked();
  void submit_out(Bytes bytes);
  void completed_in(libusb_transfer* transfer);
  void completed_out(libusb_transfer* transfer);
  void deliver(const libusb_transfer* transfer);
  Bytes report_of(BytesView transfer);
  void keep(bool from_device, std::uint8_t endpoint, int status, BytesView bytes);
  void clear_stall();
  void break_off(const std::string& why);
  void cancel_all();
  void finish_if_idle();
  void finish();
  void news();

  const std::shared_ptr<UsbDesk> desk_;
  const UsbDevice device_;
  const UsbPipes pipes_;
  const UsbSettings settings_;
  const std::shared_ptr<Tap> tap_;
  // the USB thread's
  std::optional<UsbClaim> claim_;
  std::vector<libusb_transfer*> in_, parked_;
  libusb_transfer* out_ = nullptr;
  Bytes out_bytes_;
  std::vector<Bytes> buffers_;
  int flying_ = 0, stalls_ = 0;
  bool ending_ = false, clearing_ = false, finishing_ = false;
  std::optional<MaskedStream> kept_in_, kept_out_;
  std::optional<HidReports> reports_;
  int lies_ = 0;
  std::shared_ptr<UsbSession> self_;  ///< while libusb may call back

  // both threads', under the mutex
  std::mutex mutex_;
  std::deque<Arrival> arrivals_;
  std::size_t waiting_bytes_ = 0;
  std::string broken_;
  Time broken_at_{};
  bool ended_ = false, over_ = false, told_ = false, has_parked_ = false;
  bool written_ = false;
  std::string write_fault_;

  // the loop's
  Time last_words_ = never;
  unsigned reads_ = 0;
  Bell readable_, writable_;
};

}  // namespace swiperig
