// How long the rig takes from a USB transfer's completion to its event, as JSON members without the last comma.
#pragma once

#include <string>

namespace swiperig {

/// Starts this program again under umockdev's library; "" where that is not installed.
std::string usb_rates();
/// In a program that runs under it.
std::string usb_rates_here();

}  // namespace swiperig
