// Sandbox: a mount namespace of the test's own, so that whatever it mounts goes with the process, however that ends.
#pragma once

#include <string>

namespace wb::test {

/// Puts this process, once, into a mount namespace of its own with an empty tmpfs on /dev/shm, so that no other keeper
/// sees its rings. Call before any thread is started. Throws std::runtime_error with what to do where the machine does
/// not allow it: these tests need root, loop devices and FUSE.
void enter_sandbox();

/// A new directory in the sandbox's /dev/shm.
std::string sandbox_directory(const std::string& name);

/// The same, to mount on: nothing can be made in it while nothing is mounted there, or a keeper that goes on by itself
/// would do so in the directory below.
std::string sandbox_mount_point(const std::string& name);

}  // namespace wb::test
