#include "drivers/usb_session.hpp"

#include <libusb.h>

#include <algorithm>
#include <cerrno>

namespace swiperig {

namespace {

constexpr std::size_t kMostWaitingBytes = 1 << 20;
constexpr unsigned kReadsInATurn = 16;  // then the rest of the bench has its own
constexpr int kMostLies = 16;           // that are told of
constexpr int kMostStalls = 3;          // in a row, without a byte between them

/// A transfer's end as the kernel's monitor would say it.
int errno_of(int status) {
  switch (status) {
    case LIBUSB_TRANSFER_COMPLETED: return 0;
    case LIBUSB_TRANSFER_CANCELLED: return -ENOENT;
    case LIBUSB_TRANSFER_STALL: return -EPIPE;
    case LIBUSB_TRANSFER_NO_DEVICE: return -ESHUTDOWN;
    case LIBUSB_TRANSFER_OVERFLOW: return -EOVERFLOW;
    case LIBUSB_TRANSFER_TIMED_OUT: return -ETIMEDOUT;
    default: return -EPROTO;
  }
}

std::string words_of(int status) {
  switch (status) {
    case LIBUSB_TRANSFER_NO_DEVICE: return "the device is gone (unplugged?)";
    case LIBUSB_TRANSFER_OVERFLOW: return "the device sent more than it may (babble)";
    case LIBUSB_TRANSFER_STALL: return "the endpoint stalls again and again";
    case LIBUSB_TRANSFER_TIMED_OUT: return "a transfer timed out";
    case LIBUSB_TRANSFER_CANCELLED: return "a transfer was called back by the kernel";
    default: return "transfer error (unplugged, or a bad cable)";
  }
}

}  // namespace

UsbSession::UsbSession(std::shared_ptr<UsbDesk> desk, UsbDevice device, UsbPipes pipes, UsbSettings settings,
                       std::shared_ptr<Tap> tap)
    : desk_(std::move(desk)),
      device_(std::move(device)),
      pipes_(std::move(pipes)),
      settings_(settings),
      tap_(std::move(tap)) {}

UsbSession::~UsbSession() = default;

std::shared_ptr<UsbSession> UsbSession::open(std::shared_ptr<UsbDesk> desk, const UsbDevice& device,
                                             const UsbPipes& pipes, const UsbSettings& settings,
                                             std::shared_ptr<Tap> tap) {
  const std::shared_ptr<UsbSession> session(new UsbSession(std::move(desk), device, pipes, settings, std::move(tap)));
  session->claim_.emplace(session->desk_->context, device, pipes, settings.line);
  if (pipes.hid) session->reports_ = session->claim_->reports(pipes);
  StreamShape shape;
  if (settings.line.ftdi) shape = {pipes.in.max_packet, kFtdiStatusBytes};
  if (session->reports_) {
    shape.numbers_no_reports = !session->reports_->numbered;
    shape.secret = session->reports_->keyboard;
  }
  session->kept_in_.emplace(settings.words, shape);
  session->kept_out_.emplace(settings.words);
  session->start_reading();
  return session;
}

void UsbSession::start_reading() {
  self_ = shared_from_this();
  desk_->open[this] = [this] {
    if (!ending_) cancel_all();
  };
  const std::size_t packet = pipes_.in.max_packet;
  // the end of a report that fills its packets is seen by nothing but its length
  const std::size_t wanted =
      reports_ ? std::max<std::size_t>(reports_->longest_in(), 1) : std::max(settings_.transfer_bytes, packet);
  const std::size_t size = (wanted + packet - 1) / packet * packet;
  for (int i = 0; i < settings_.in_flight; ++i) {
    libusb_transfer* t = libusb_alloc_transfer(0);
    if (t == nullptr) return break_off("no memory for its transfers");
    in_.push_back(t);
    buffers_.emplace_back(size);
    const auto done = [](libusb_transfer* x) { static_cast<UsbSession*>(x->user_data)->completed_in(x); };
    const auto length = static_cast<int>(size);
    if (pipes_.in.interrupt()) {
      libusb_fill_interrupt_transfer(t, claim_->handle(), pipes_.in.address, buffers_.back().data(), length, done, this,
                                     0);
    } else {
      libusb_fill_bulk_transfer(t, claim_->handle(), pipes_.in.address, buffers_.back().data(), length, done, this, 0);
    }
  }
  for (libusb_transfer* t : in_) submit(t);
}

void UsbSession::submit(libusb_transfer* transfer) {
  if (ending_) return;
  if (const int e = libusb_submit_transfer(transfer); e != 0) {
    break_off(e == LIBUSB_ERROR_NO_DEVICE ? words_of(LIBUSB_TRANSFER_NO_DEVICE)
                                          : std::string("cannot go on: ") + libusb_strerror(e));
    return;
  }
  ++flying_;
  ++desk_->flying;
}

void UsbSession::submit_parked() {
  {
    const std::lock_guard lock(mutex_);
    has_parked_ = false;
  }
  const std::vector<libusb_transfer*> parked = std::exchange(parked_, {});
  for (libusb_transfer* t : parked) submit(t);
}

void UsbSession::completed_in(libusb_transfer* t) {
  --flying_;
  --desk_->flying;
  keep(true, t->endpoint, errno_of(t->status),
       BytesView(t->buffer, static_cast<std::size_t>(std::max(t->actual_length, 0))));
  if (t->actual_length > 0 && t->status != LIBUSB_TRANSFER_OVERFLOW) {
    stalls_ = 0;
    deliver(t);
  }
  if (ending_) return finish_if_idle();
  if (t->status == LIBUSB_TRANSFER_STALL && (clearing_ || ++stalls_ <= kMostStalls)) {
    parked_.push_back(t);
    if (!std::exchange(clearing_, true)) desk_->post([self = shared_from_this()] { self->clear_stall(); });
    return;
  }
  if (t->status != LIBUSB_TRANSFER_COMPLETED) return break_off(words_of(t->status));
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    full = waiting_bytes_ >= kMostWaitingBytes;
    has_parked_ = has_parked_ || full;
  }
  if (full || clearing_) {
    parked_.push_back(t);
  } else {
    submit(t);
  }
}

/// The halted endpoint is set going again, outside of libusb's own turn.
void UsbSession::clear_stall() {
  clearing_ = false;
  if (ending_) return finish_if_idle();
  if (const int e = libusb_clear_halt(claim_->handle(), pipes_.in.address); e != 0) {
    return break_off(std::string("a stalled endpoint cannot be cleared: ") + libusb_strerror(e));
  }
  submit_parked();
}

void UsbSession::deliver(const libusb_transfer* t) {
  const BytesView all(t->buffer, static_cast<std::size_t>(t->actual_length));
  Bytes bytes;
  if (reports_) {
    bytes = report_of(all);
  } else if (!settings_.line.ftdi) {
    bytes.assign(all.begin(), all.end());
  } else {
    for (std::size_t at = 0; at < all.size(); at += pipes_.in.max_packet) {
      const BytesView packet = all.subspan(at, std::min<std::size_t>(pipes_.in.max_packet, all.size() - at));
      const BytesView rest = packet.subspan(std::min(kFtdiStatusBytes, packet.size()));
      bytes.insert(bytes.end(), rest.begin(), rest.end());
    }
  }
  if (bytes.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    waiting_bytes_ += bytes.size();
    arrivals_.push_back({std::move(bytes), 0});
  }
  news();
}

Bytes UsbSession::report_of(BytesView transfer) {
  const auto read = read_hid_report(*reports_, transfer);
  if (const auto* report = std::get_if<HidReport>(&read)) {
    const std::size_t size = report->bytes.size() + 1;
    Bytes bytes = {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size), report->id};
    bytes.insert(bytes.end(), report->bytes.begin(), report->bytes.end());
    return bytes;
  }
  if (settings_.remark && ++lies_ <= kMostLies) {
    std::string what = to_text(device_) + ": " + std::get<std::string>(read);
    if (lies_ == kMostLies) what += "; what else it does so is not told";
    desk_->tell([remark = settings_.remark, what, at = desk_->now()] { remark(what, at); });
  }
  return {};
}

void UsbSession::keep(bool from_device, std::uint8_t endpoint, int status, BytesView bytes) {
  if (!tap_) return;
  UsbTransfer transfer{desk_->now(),
                       static_cast<std::uint16_t>(device_.bus),
                       static_cast<std::uint16_t>(device_.address),
                       endpoint,
                       from_device ? pipes_.in.interrupt() : pipes_.out && pipes_.out->interrupt(),
                       status,
                       Bytes(bytes.begin(), bytes.end()),
                       ""};
  for (const UsbTransfer& t : (from_device ? kept_in_ : kept_out_)->push(std::move(transfer))) tap_->take(t);
}

void UsbSession::break_off(const std::string& why) {
  if (ending_) return finish_if_idle();
  {
    const Time at = desk_->now();
    const std::lock_guard lock(mutex_);
    broken_ = to_text(device_) + ": " + why;
    broken_at_ = at;
    ended_ = true;
  }
  news();
  cancel_all();
}

void UsbSession::cancel_all() {
  ending_ = true;
  for (libusb_transfer* t : in_) libusb_cancel_transfer(t);  // those that do not fly say so
  if (out_ != nullptr) libusb_cancel_transfer(out_);
  finish_if_idle();
}

/// Outside of libusb's own turn, which may still go over the handle.
void UsbSession::finish_if_idle() {
  if (!ending_ || flying_ > 0 || clearing_ || std::exchange(finishing_, true)) return;
  desk_->post([self = shared_from_this()] { self->finish(); });
}

void UsbSession::finish() {
  desk_->open.erase(this);
  for (libusb_transfer* t : std::exchange(in_, {})) libusb_free_transfer(t);  // while the handle they name is there
  if (out_ != nullptr) libusb_free_transfer(std::exchange(out_, nullptr));
  claim_.reset();
  if (tap_) {
    for (auto* kept : {&kept_in_, &kept_out_}) {
      if (!*kept) continue;
      for (const UsbTransfer& t : (*kept)->flush()) tap_->take(t);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    ended_ = over_ = true;
  }
  news();
  self_.reset();
}

void UsbSession::news() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(told_, true)) return;
  }
  desk_->tell([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    {
      const std::lock_guard lock(self->mutex_);
      self->told_ = false;
    }
    self->readable_.ring();
    self->writable_.ring();
  });
}

void UsbSession::submit_out(Bytes bytes) {
  const auto fail = [&](const std::string& why) {
    {
      const std::lock_guard lock(mutex_);
      written_ = true;
      write_fault_ = to_text(device_) + ": " + why;
    }
    news();
  };
  if (ending_) return fail("the device is gone");
  if (!pipes_.out) return fail("it takes nothing: no endpoint towards the device");
  if (out_ == nullptr) out_ = libusb_alloc_transfer(0);
  if (out_ == nullptr) return fail("no memory for a transfer");
  out_bytes_ = std::move(bytes);
  const auto done = [](libusb_transfer* x) { static_cast<UsbSession*>(x->user_data)->completed_out(x); };
  libusb_fill_bulk_transfer(out_, claim_->handle(), pipes_.out->address, out_bytes_.data(),
                            static_cast<int>(out_bytes_.size()), done, this, 0);
  if (pipes_.out->interrupt()) out_->type = LIBUSB_TRANSFER_TYPE_INTERRUPT;
  if (const int e = libusb_submit_transfer(out_); e != 0) return fail(libusb_strerror(e));
  ++flying_;
  ++desk_->flying;
}

void UsbSession::completed_out(libusb_transfer* t) {
  --flying_;
  --desk_->flying;
  const auto sent = static_cast<std::size_t>(std::max(t->actual_length, 0));
  keep(false, t->endpoint, errno_of(t->status), BytesView(out_bytes_).first(sent));
  const bool whole = t->status == LIBUSB_TRANSFER_COMPLETED && sent == out_bytes_.size();
  {
    const std::lock_guard lock(mutex_);
    written_ = true;
    if (!whole) {
      write_fault_ = to_text(device_) + ": " + std::to_string(sent) + " of " + std::to_string(out_bytes_.size()) +
                     " bytes written: " + words_of(t->status);
    }
  }
  news();
  if (ending_) return finish_if_idle();
  if (!whole) break_off(words_of(t->status));
}

void UsbSession::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  readable_.ring();
  desk_->post([self = shared_from_this()] {
    if (!self->ending_) self->cancel_all();
  });
}

void UsbSession::stop_reading(Time last_words) {
  last_words_ = last_words;
  readable_.ring();
  writable_.ring();
}

std::string UsbSession::broken(Time& at) {
  const std::lock_guard lock(mutex_);
  at = broken_at_;
  return broken_;
}

bool UsbSession::over() {
  const std::lock_guard lock(mutex_);
  return over_;
}

Task<std::size_t> UsbSession::read_some(Clock& clock, std::shared_ptr<UsbSession> self, std::span<std::uint8_t> into) {
  for (;;) {
    std::size_t n = 0;
    bool ended = false, room = false;
    std::string why;
    {
      const std::lock_guard lock(self->mutex_);
      if (!self->arrivals_.empty()) {
        Arrival& first = self->arrivals_.front();
        n = std::min(into.size(), first.bytes.size() - first.taken);
        std::copy_n(first.bytes.begin() + static_cast<std::ptrdiff_t>(first.taken), n, into.begin());
        first.taken += n;
        self->waiting_bytes_ -= n;
        if (first.taken == first.bytes.size()) self->arrivals_.pop_front();
        room = self->has_parked_ && self->waiting_bytes_ < kMostWaitingBytes / 2;
        if (room) self->has_parked_ = false;
      } else {
        ended = self->ended_ || self->last_words_ != never;
        why = self->broken_;
      }
    }
    if (room) self->desk_->post([self] { self->submit_parked(); });
    if (n > 0) {
      if (++self->reads_ % kReadsInATurn == 0) co_await clock.yield();
      co_return n;
    }
    if (ended) throw LinkError(LinkError::reset, why.empty() ? to_text(self->device_) + ": closed" : why);
    co_await clock.wait(self->readable_, never);
  }
}

Task<> UsbSession::write(Clock& clock, std::shared_ptr<UsbSession> self, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) co_return;
  {
    const std::lock_guard lock(self->mutex_);
    self->written_ = false;
    self->write_fault_.clear();
  }
  self->desk_->post([self, copy = Bytes(bytes.begin(), bytes.end())]() mutable { self->submit_out(std::move(copy)); });
  for (;;) {
    bool written = false, over = false;
    std::string fault;
    {
      const std::lock_guard lock(self->mutex_);
      written = self->written_;
      over = self->over_;
      fault = self->write_fault_;
    }
    if (written && fault.empty()) co_return;
    if (written || over) throw LinkError(LinkError::reset, fault.empty() ? to_text(self->device_) + ": gone" : fault);
    const bool rung = co_await clock.wait(self->writable_, self->last_words_);
    if (rung) continue;
    self->last_words_ = never;
    self->end();
  }
}

}  // namespace swiperig
