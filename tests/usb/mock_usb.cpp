#include "tests/usb/mock_usb.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace swiperig {

namespace {

constexpr unsigned kIdleMs = 1;  // a fake node always polls ready: how long "nothing to reap" is held back

usbdevfs_urb* urb_of(UMockdevIoctlData* data) { return reinterpret_cast<usbdevfs_urb*>(data->data); }
bool is_in(UMockdevIoctlData* data) { return (urb_of(data)->endpoint & 0x80) != 0; }

bool complete(UMockdevIoctlClient* client, long result = 0, int error = 0) {
  umockdev_ioctl_client_complete(client, result, error);
  return true;
}

std::string hex_of(const Bytes& bytes) { return to_hex(bytes); }

Bytes device_descriptor(std::uint16_t product, std::uint8_t device_class) {
  return {18,
          1,
          0,
          2,
          device_class,
          0,
          0,
          64,
          0x6b,
          0x1d,
          static_cast<std::uint8_t>(product),
          static_cast<std::uint8_t>(product >> 8),
          0,
          1,
          1,
          2,
          3,
          1};
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

Bytes vendor_descriptors(std::uint16_t product, std::uint8_t attributes) {
  return device_descriptor(product, 0) + Bytes{9, 2, 32, 0,    1, 1,    0,          0xc0, 50, 9,    4,
                                               0, 0, 2,  0xff, 0, 0,    0,          7,    5,  0x81, attributes,
                                               0, 2, 0,  7,    5, 0x02, attributes, 0,    2,  0};
}

Bytes hub_descriptors(std::uint16_t product) {
  Bytes device = device_descriptor(product, 9);
  device[8] = 0x09;
  device[9] = 0x21;
  return device + Bytes{9, 2, 25, 0, 1, 1, 0, 0xe0, 50} + Bytes{9, 4, 0, 0, 1, 9, 0, 0, 0} +
         Bytes{7, 5, 0x81, 3, 1, 0, 12};
}

Bytes hid_descriptors(std::size_t report_descriptor_bytes) {
  const auto low = static_cast<std::uint8_t>(report_descriptor_bytes);
  const auto high = static_cast<std::uint8_t>(report_descriptor_bytes >> 8);
  return device_descriptor(0x0104, 0) + Bytes{9, 2, 34, 0, 1, 1, 0, 0xc0, 50} + Bytes{9, 4, 0, 0, 1, 3, 0, 0, 0} +
         Bytes{9, 0x21, 0x11, 1, 0, 1, 0x22, low, high} + Bytes{7, 5, 0x81, 3, 64, 0, 10};
}

Bytes acm_descriptors() {
  return device_descriptor(0x0105, 2) + Bytes{9, 2, 67, 0, 2, 1, 0, 0xc0, 50} + Bytes{9, 4, 0, 0, 1, 2, 2, 1, 0} +
         Bytes{5, 0x24, 0, 0x10, 1} + Bytes{5, 0x24, 1, 0, 1} + Bytes{4, 0x24, 2, 2} + Bytes{5, 0x24, 6, 0, 1} +
         Bytes{7, 5, 0x81, 3, 8, 0, 16} + Bytes{9, 4, 1, 0, 2, 10, 0, 0, 0} + Bytes{7, 5, 0x82, 2, 64, 0, 0} +
         Bytes{7, 5, 0x03, 2, 64, 0, 0};
}

MockMachine::MockMachine() : testbed_(umockdev_testbed_new()) {
  umockdev_testbed_add_from_string(testbed_,
                                   "P: /devices/usb1\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nA: busnum=1\\n\n"
                                   "A: devnum=1\\n\nA: idVendor=1d6b\\n\nA: idProduct=0002\\n\n",
                                   nullptr);
}

MockMachine::~MockMachine() { g_object_unref(testbed_); }

std::string MockMachine::root() const {
  char* path = umockdev_testbed_get_root_dir(testbed_);
  const std::string text = path;
  g_free(path);
  return text;
}

MockUsb::MockUsb(MockMachine& machine, MockShape shape)
    : machine_(machine), shape_(std::move(shape)), base_(umockdev_ioctl_base_new()) {
  const auto answer = +[](UMockdevIoctlBase*, UMockdevIoctlClient* client, gpointer self) -> gboolean {
    return static_cast<MockUsb*>(self)->ioctl(client);
  };
  g_signal_connect_after(base_, "handle-ioctl", G_CALLBACK(answer), this);
}

MockUsb::~MockUsb() {
  hang_claim(false);
  if (plugged_) unplug();
  g_object_unref(base_);
  for (UMockdevIoctlData* d : dead_) umockdev_ioctl_data_unref(d);
}

std::string MockUsb::node() const {
  char text[40];
  std::snprintf(text, sizeof text, "/dev/bus/usb/001/%03d", shape_.address);
  return text;
}

void MockUsb::plug() {
  {
    const std::lock_guard lock(mutex_);
    gone_ = false;
  }
  umockdev_testbed_attach_ioctl(machine_.testbed(), node().c_str(), base_, nullptr);
  const Bytes& d = shape_.descriptors;
  const std::string hex = hex_of(d), vendor = to_hex(Bytes{d.at(9), d.at(8)}),
                    product = to_hex(Bytes{d.at(11), d.at(10)});
  const std::string text =
      "P: /devices/usb1/" + shape_.port + "\nN: " + node().substr(5) + "=" + hex +
      "\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: DEVNAME=" + node() +
      "\nE: BUSNUM=001\nE: DEVNUM=" + node().substr(17) +
      "\nA: busnum=1\\n\nA: devnum=" + std::to_string(shape_.address) + "\\n\nA: idVendor=" + vendor +
      "\\n\nA: idProduct=" + product + "\\n\nA: bConfigurationValue=1\\n\n" +
      (shape_.serial.empty() ? "" : "A: serial=" + shape_.serial + "\\n\n") + "H: descriptors=" + hex + "\n";
  GError* error = nullptr;
  if (!umockdev_testbed_add_from_string(machine_.testbed(), text.c_str(), &error)) g_error("%s", error->message);
  plugged_ = true;
}

void MockUsb::unplug(int status) {
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    flood_.clear();
    for (UMockdevIoctlData* d : flying_) finish(d, status, {});
    flying_.clear();
    in_.clear();
  }
  const std::string path = "/sys/devices/usb1/" + shape_.port;
  umockdev_testbed_uevent(machine_.testbed(), path.c_str(), "remove");
  umockdev_testbed_remove_device(machine_.testbed(), path.c_str());
  umockdev_testbed_detach_ioctl(machine_.testbed(), node().c_str(), nullptr);
  plugged_ = false;
}

void MockUsb::send(Bytes bytes, int status) {
  const std::lock_guard lock(mutex_);
  in_.push_back({std::move(bytes), status});
  match();
}

void MockUsb::flood(Bytes bytes) {
  const std::lock_guard lock(mutex_);
  flood_ = std::move(bytes);
  match();
}

void MockUsb::hang_claim(bool on) {
  const std::lock_guard lock(mutex_);
  hang_ = on;
  let_go_.notify_all();
}

std::vector<Bytes> MockUsb::received() {
  const std::lock_guard lock(mutex_);
  return out_;
}

std::vector<Bytes> MockUsb::controls() {
  const std::lock_guard lock(mutex_);
  return controls_;
}

std::vector<std::string> MockUsb::calls() {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::size_t MockUsb::in_flight() {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(flying_.begin(), flying_.end(), is_in));
}

void MockUsb::finish(UMockdevIoctlData* data, int status, const Bytes& bytes) {
  usbdevfs_urb* urb = urb_of(data);
  urb->status = status;
  urb->actual_length =
      static_cast<int>(std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(urb->buffer_length)));
  std::memcpy(urb->buffer, bytes.data(), static_cast<std::size_t>(urb->actual_length));
  done_.push_back(data);
}

void MockUsb::match() {
  for (auto it = flying_.begin(); it != flying_.end();) {
    if (!is_in(*it) || (in_.empty() && flood_.empty())) {
      ++it;
      continue;
    }
    if (in_.empty()) {
      finish(*it, 0, flood_);
    } else {
      finish(*it, in_.front().status, in_.front().bytes);
      in_.pop_front();
    }
    it = flying_.erase(it);
  }
}

/// In umockdev's own thread.
bool MockUsb::ioctl(UMockdevIoctlClient* client) {
  std::unique_lock lock(mutex_);
  UMockdevIoctlData* arg = umockdev_ioctl_client_get_arg(client);  // borrowed
  const auto request = umockdev_ioctl_client_get_request(client);
  if (gone_ && request != USBDEVFS_REAPURBNDELAY && request != USBDEVFS_DISCARDURB) return complete(client, -1, ENODEV);
  switch (request) {
    case USBDEVFS_GET_CAPABILITIES: {
      UMockdevIoctlData* d = umockdev_ioctl_data_resolve(arg, 0, 4, nullptr);
      *reinterpret_cast<std::uint32_t*>(d->data) = USBDEVFS_CAP_BULK_CONTINUATION | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                                                   USBDEVFS_CAP_REAP_AFTER_DISCONNECT | USBDEVFS_CAP_ZERO_PACKET;
      complete(client);
      umockdev_ioctl_data_unref(d);
      return true;
    }
    case USBDEVFS_CONNECTINFO: {
      UMockdevIoctlData* d = umockdev_ioctl_data_resolve(arg, 0, sizeof(usbdevfs_connectinfo), nullptr);
      *reinterpret_cast<usbdevfs_connectinfo*>(d->data) = {static_cast<unsigned>(shape_.address), 0};
      complete(client);
      umockdev_ioctl_data_unref(d);
      return true;
    }
    case USBDEVFS_GET_SPEED: return complete(client, 3);
    case USBDEVFS_CLAIMINTERFACE: let_go_.wait(lock, [&] { return !hang_; }); return claim(client, arg, true);
    case USBDEVFS_RELEASEINTERFACE: return claim(client, arg, false);
    case USBDEVFS_CLEAR_HALT: calls_.push_back("clear_halt"); return complete(client);
    case USBDEVFS_SETINTERFACE: return complete(client);
    case USBDEVFS_GETDRIVER: return driver_of(client, arg);
    case USBDEVFS_IOCTL: return to_driver(client, arg);
    case USBDEVFS_SUBMITURB: return submit(client, arg);
    case USBDEVFS_REAPURBNDELAY: return reap(client, arg);
    case USBDEVFS_DISCARDURB: return discard(client, arg);
    default: return complete(client, -1, ENOTTY);
  }
}

bool MockUsb::claim(UMockdevIoctlClient* client, UMockdevIoctlData* arg, bool on) {
  UMockdevIoctlData* d = umockdev_ioctl_data_resolve(arg, 0, sizeof(unsigned), nullptr);
  const unsigned interface = *reinterpret_cast<unsigned*>(d->data);
  umockdev_ioctl_data_unref(d);
  if (on && shape_.drivers.contains(interface)) return complete(client, -1, EBUSY);
  calls_.push_back((on ? "claim " : "release ") + std::to_string(interface));
  return complete(client);
}

bool MockUsb::driver_of(UMockdevIoctlClient* client, UMockdevIoctlData* arg) {
  UMockdevIoctlData* d = umockdev_ioctl_data_resolve(arg, 0, sizeof(usbdevfs_getdriver), nullptr);
  auto* driver = reinterpret_cast<usbdevfs_getdriver*>(d->data);
  const auto it = shape_.drivers.find(driver->interface);
  if (it != shape_.drivers.end()) std::snprintf(driver->driver, sizeof driver->driver, "%s", it->second.c_str());
  it != shape_.drivers.end() ? complete(client) : complete(client, -1, ENODATA);
  umockdev_ioctl_data_unref(d);
  return true;
}

/// A driver that binds two interfaces leaves both, and comes back when it may.
bool MockUsb::to_driver(UMockdevIoctlClient* client, UMockdevIoctlData* arg) {
  UMockdevIoctlData* d = umockdev_ioctl_data_resolve(arg, 0, sizeof(usbdevfs_ioctl), nullptr);
  const auto asked = *reinterpret_cast<usbdevfs_ioctl*>(d->data);
  umockdev_ioctl_data_unref(d);
  const bool detach = asked.ioctl_code == static_cast<int>(USBDEVFS_DISCONNECT);
  calls_.push_back((detach ? "detach " : "attach ") + std::to_string(asked.ifno));
  if (detach) shape_.drivers.clear();
  return complete(client, 1);
}

bool MockUsb::submit(UMockdevIoctlClient* client, UMockdevIoctlData* arg) {
  UMockdevIoctlData* d = umockdev_ioctl_data_resolve(arg, 0, sizeof(usbdevfs_urb), nullptr);
  usbdevfs_urb* urb = urb_of(d);
  const auto length = static_cast<gsize>(urb->buffer_length);
  umockdev_ioctl_data_unref(umockdev_ioctl_data_resolve(d, offsetof(usbdevfs_urb, buffer), length, nullptr));
  ++submits_;
  const auto* bytes = static_cast<const std::uint8_t*>(urb->buffer);
  if (urb->type == USBDEVFS_URB_TYPE_CONTROL) {
    controls_.emplace_back(bytes, bytes + length);
    answer_control(d);
  } else if (is_in(d)) {
    flying_.push_back(d);
    match();
  } else if (hold_out_) {
    flying_.push_back(d);
  } else {
    const Bytes sent(bytes, bytes + length);
    out_.push_back(sent);
    finish(d, 0, sent);
  }
  return complete(client);
}

void MockUsb::answer_control(UMockdevIoctlData* data) {
  usbdevfs_urb* urb = urb_of(data);
  auto* bytes = static_cast<std::uint8_t*>(urb->buffer);
  std::optional<Bytes> answer = Bytes(static_cast<std::size_t>(urb->buffer_length) - 8);
  if (stall_controls_) answer.reset();
  if (answer_) answer = answer_(Bytes(bytes, bytes + 8));
  if (!answer) return finish(data, -EPIPE, {});
  const std::size_t room = static_cast<std::size_t>(urb->buffer_length) - 8, size = std::min(room, answer->size());
  urb->status = 0;
  urb->actual_length = static_cast<int>(size);
  if ((bytes[0] & 0x80) != 0) std::copy_n(answer->begin(), size, bytes + 8);
  done_.push_back(data);
}

bool MockUsb::reap(UMockdevIoctlClient* client, UMockdevIoctlData* arg) {
  if (done_.empty()) {
    if (gone_) return complete(client, -1, ENODEV);
    g_object_ref(client);  // answered later, in the same thread
    GSource* later = g_timeout_source_new(kIdleMs);
    const auto nothing = +[](gpointer c) -> gboolean {
      umockdev_ioctl_client_complete(static_cast<UMockdevIoctlClient*>(c), -1, EAGAIN);
      g_object_unref(c);
      return G_SOURCE_REMOVE;
    };
    g_source_set_callback(later, nothing, client, nullptr);
    g_source_attach(later, g_main_context_get_thread_default());
    g_source_unref(later);
    return true;
  }
  UMockdevIoctlData* d = done_.front();
  done_.pop_front();
  UMockdevIoctlData* pointer = umockdev_ioctl_data_resolve(arg, 0, sizeof(void*), nullptr);
  umockdev_ioctl_data_set_ptr(pointer, 0, d);
  complete(client);
  umockdev_ioctl_data_unref(pointer);
  dead_.push_back(d);
  for (; dead_.size() > 64; dead_.pop_front()) umockdev_ioctl_data_unref(dead_.front());
  return true;
}

bool MockUsb::discard(UMockdevIoctlClient* client, UMockdevIoctlData* arg) {
  if (hold_cancel_) return complete(client);
  for (auto it = flying_.begin(); it != flying_.end(); ++it) {
    if ((*it)->client_addr != *reinterpret_cast<unsigned long*>(arg->data)) continue;
    finish(*it, -ENOENT, {});
    flying_.erase(it);
    return complete(client);
  }
  return complete(client, -1, EINVAL);
}

}  // namespace swiperig
