#include "rig/task.hpp"

#include <array>
#include <new>

namespace swiperig::detail {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kRecycles = false;  // the sanitizer is to see a frame used after its end
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif
#else
constexpr bool kRecycles = true;
#endif

constexpr std::size_t kStep = 128, kSizes = 32;  // larger frames are rare

/// Frames that ended, by size, for those to come.
class Shelf {
 public:
  ~Shelf() {
    for (Frame* frame : free_) {
      while (frame != nullptr) ::operator delete(std::exchange(frame, frame->next));
    }
  }
  void* take(std::size_t size) {
    Frame* frame = free_[size];
    if (frame == nullptr) return ::operator new((size + 1) * kStep);
    free_[size] = frame->next;
    return frame;
  }
  void give(void* memory, std::size_t size) noexcept { free_[size] = new (memory) Frame{free_[size]}; }

 private:
  struct Frame {
    Frame* next;
  };
  std::array<Frame*, kSizes> free_{};
};

thread_local Shelf shelf;

}  // namespace

void* take_frame(std::size_t bytes) {
  const std::size_t size = (bytes - 1) / kStep;
  if (!kRecycles || size >= kSizes) return ::operator new(bytes);
  return shelf.take(size);
}

void give_frame(void* frame, std::size_t bytes) noexcept {
  const std::size_t size = (bytes - 1) / kStep;
  if (!kRecycles || size >= kSizes) {
    ::operator delete(frame);
  } else {
    shelf.give(frame, size);
  }
}

}  // namespace swiperig::detail
