// A bell that rings when the kernel has news of any device: its own broadcast of uevents, which needs no udev. What the
// news says is not read: whoever hears it looks at what is plugged in. Where the broadcast cannot be heard (a container
// without it) the bell is silent, and whoever waits for it looks again after a while all the same.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>

#include "rig/clock.hpp"

namespace swiperig {

class UsbNews {
 public:
  explicit UsbNews(Clock& clock);
  UsbNews(const UsbNews&) = delete;
  UsbNews& operator=(const UsbNews&) = delete;
  ~UsbNews();
  Bell& bell();

 private:
  struct Ear;
  std::shared_ptr<Ear> ear_;
};

}  // namespace swiperig
