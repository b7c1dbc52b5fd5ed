#include "tests/programs.hpp"

namespace swiperig::programs {

const char* const swiperig = SWIPERIG_BINARY;
const char* const light_controller = SWIPERIG_LIGHT_CONTROLLER;
const char* const rival_controller = SWIPERIG_RIVAL_CONTROLLER;
const char* const no_allocation = SWIPERIG_NO_ALLOCATION;
const char* const slow_disk = SWIPERIG_SLOW_DISK;

}  // namespace swiperig::programs
