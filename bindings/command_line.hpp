// Everything that `swiperig ...` does; returns the exit code.
#pragma once

namespace swiperig {

int command_line(int argc, char** argv);

}  // namespace swiperig
