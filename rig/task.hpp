// A coroutine that is awaited: it starts when somebody awaits it, runs in its caller's thread until it must wait, and
// hands value or exception to who awaited it. One that never waits costs a call; one that waits is resumed by its clock
// alone (rig/clock.hpp), so that the order of everything on a bench is the order of one queue. Owned by its caller's
// frame: destroying a task destroys what it awaits. Not thread-safe. Frames are recycled within a thread.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace swiperig {

template <class T = void>
class Task;

namespace detail {

void* take_frame(std::size_t bytes);
void give_frame(void* frame, std::size_t bytes) noexcept;

struct Promise {
  std::coroutine_handle<> continuation;
  std::exception_ptr failure;

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> ended) const noexcept {
      return ended.promise().continuation;
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() { failure = std::current_exception(); }

  static void* operator new(std::size_t bytes) { return take_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { give_frame(frame, bytes); }
};

template <class T>
struct ValuePromise : Promise {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U = T>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
};

struct VoidPromise : Promise {
  Task<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = std::conditional_t<std::is_void_v<T>, detail::VoidPromise, detail::ValuePromise<T>>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle h) : h_(h) {}
  Task(Task&& other) noexcept : h_(std::exchange(other.h_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (h_) h_.destroy();
      h_ = std::exchange(other.h_, {});
    }
    return *this;
  }
  ~Task() {
    if (h_) h_.destroy();
  }

  struct Awaiter {
    Handle h;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> who) const noexcept {
      h.promise().continuation = who;
      return h;
    }
    T await_resume() const {
      if (h.promise().failure) std::rethrow_exception(std::move(h.promise().failure));
      if constexpr (!std::is_void_v<T>) return std::move(*h.promise().value);
    }
  };
  Awaiter operator co_await() && noexcept { return {h_}; }

 private:
  Handle h_;
};

namespace detail {

template <class T>
Task<T> ValuePromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<ValuePromise<T>>::from_promise(*this));
}

inline Task<void> VoidPromise::get_return_object() {
  return Task<void>(std::coroutine_handle<VoidPromise>::from_promise(*this));
}

}  // namespace detail

}  // namespace swiperig
