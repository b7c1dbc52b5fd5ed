// The programs that tests start; programs.cpp alone is compiled with their paths.
#pragma once

namespace swiperig::programs {

extern const char* const swiperig;
extern const char* const light_controller;  ///< does nothing but drive robot and supply
extern const char* const rival_controller;
extern const char* const no_allocation;  ///< a library to preload: allocating after the start ends the process
extern const char* const slow_disk;      ///< a library to preload: what is to be durable takes SWIPERIG_DISK_MS longer

}  // namespace swiperig::programs
