// Preloaded into a controller: whatever is to be durable takes SWIPERIG_DISK_MS longer, as on a card or a busy disk.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

extern "C" {

static void wait_for_disk() {
  const char* ms = getenv("SWIPERIG_DISK_MS");
  const long n = ms == nullptr ? 0 : atol(ms);
  timespec left{n / 1000, n % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0) {
  }
}

int fdatasync(int fd) {
  wait_for_disk();
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

int fsync(int fd) {
  wait_for_disk();
  return static_cast<int>(syscall(SYS_fsync, fd));
}
}
