// Arena: processes, /dev/shm and /proc of one's own, so that everything in it can be killed and nobody else's keeper
// rescues its rings.
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace wb::test {

/// Runs `body` as the first process of a new pid namespace with an empty /dev/shm; ends every process that it left
/// behind. Works for root and for ordinary users (by a user namespace). Gives what `body` gave, or -1 after a message
/// on stderr if there is no such namespace here or the body was killed.
int run_in_arena(const std::function<int()>& body);

/// Forks a process of the arena that does `work` and ends. One that dies takes its work with it: counts tell.
pid_t start_slot(const std::function<void()>& work);
/// Waits for slots, and collects what others left to the arena's first process, which alone may call it.
void await_slots(std::vector<pid_t> slots);

}  // namespace wb::test
