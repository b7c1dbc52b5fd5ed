#include "reports/capture_file.hpp"

#include <filesystem>

namespace swiperig {

namespace {

constexpr std::uint32_t kUsb = 0, kNetwork = 1;
constexpr std::size_t kMostConnections = 65'536;

}  // namespace

const std::vector<PcapSource>& CaptureFile::sources() {
  static const std::vector<PcapSource> both = {{"terminal usb", LinkType::usb_linux_mmapped},
                                               {"terminal network", LinkType::ethernet}};
  return both;
}

CaptureFile::CaptureFile(const std::string& path, std::uint64_t most_bytes) : path_(path), most_bytes_(most_bytes) {
  if (std::filesystem::exists(path)) throw CaptureError(path + " exists: a capture is never overwritten");
  file_.open(path, std::ios::binary);
  append_section(sources(), block_);
  file_ << block_ << std::flush;
  if (!file_) throw CaptureError(path + ": cannot be made");
  written_ = block_.size();
}

void CaptureFile::take(const UsbTransfer& transfer) {
  keep(kUsb, transfer.at, usb_head(transfer), transfer.bytes, transfer.masked);
}

void CaptureFile::take(const NetworkFrame& frame) {
  std::uint32_t before = 0, other = 0;
  {
    const std::lock_guard lock(mutex_);
    if (connections_.size() > kMostConnections) connections_.clear();
    Sent& sent = connections_[frame.connection];
    std::uint32_t& own = frame.from_terminal ? sent.by_terminal : sent.by_host;
    before = own;
    other = frame.from_terminal ? sent.by_host : sent.by_terminal;
    own += static_cast<std::uint32_t>(frame.bytes.size());
  }
  keep(kNetwork, frame.at, {}, network_packet(frame, before, other), frame.masked);
}

void CaptureFile::keep(std::uint32_t source, Time at, BytesView head, BytesView bytes, const std::string& masked) {
  const std::lock_guard lock(mutex_);
  if (failed_) return;
  last_ = at;
  if (written_ + head.size() + bytes.size() > most_bytes_) {
    ++left_out_;
  } else {
    write(source, at, head, bytes, masked.empty() ? "" : "masked: bytes " + masked);
  }
}

void CaptureFile::write(std::uint32_t source, Time at, BytesView head, BytesView bytes, const std::string& comment) {
  block_.clear();
  append_packet(source, at.time_since_epoch().count(), head, bytes, comment, block_);
  file_ << block_ << std::flush;
  written_ += block_.size();
  failed_ = !file_;
}

std::string CaptureFile::finish() {
  const std::lock_guard lock(mutex_);
  if (left_out_ > 0 && !failed_) {
    write(kUsb, last_, usb_head({}), {},
          "the capture is full: " + std::to_string(left_out_) + " packets more are not in it");
  }
  if (failed_) return path_ + ": could not be written to its end";
  return left_out_ == 0 ? "" : path_ + ": full, " + std::to_string(left_out_) + " packets more are not in it";
}

}  // namespace swiperig
