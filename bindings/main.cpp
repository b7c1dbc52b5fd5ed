#include "bindings/command_line.hpp"

int main(int argc, char** argv) { return swiperig::command_line(argc, argv); }
