// Serial ports as links, and the pseudo-terminal on which a stand-in is served as if it were one. Both are raw 8N1:
// every byte value passes unchanged. Opening a port makes the kernel raise DTR, which resets many boards; HUPCL is
// cleared so that closing does not drop it and the next opening changes nothing, the first one still may: expect a
// banner. A port is taken exclusively. A device that goes away is LinkError{reset}: a serial line has no orderly end.
// Factories throw LinkError{failed} with the device's name and what to do about it.
#pragma once

#include <memory>
#include <string>

#include "rig/clock.hpp"
#include "rig/link.hpp"

namespace swiperig {

/// A descriptor of `device` at `baud` (a rate of termios), non-blocking, for who needs no link.
int open_serial(const std::string& device, int baud);

/// The same as a link. close(fin) lets the kernel send what it holds; reset discards it.
std::unique_ptr<Link> serial_link(Clock& clock, const std::string& device, int baud);

/// Makes a pseudo-terminal and publishes its far end as a symbolic link at `symlink_path` (replaced atomically, missing
/// parent directories made with mode 0700; anything there that is no symbolic link is refused). The far end is held
/// open here too, so that programs may come and go without an end being seen. The symbolic link goes when this link is
/// closed or destroyed.
std::unique_ptr<Link> pty_link(Clock& clock, const std::string& symlink_path);

}  // namespace swiperig
