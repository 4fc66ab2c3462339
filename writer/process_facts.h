// Facts about this process and its machine, read from the system without any network.
#pragma once

#include <cstdint>
#include <string>

namespace wb {

std::string boot_id();                ///< Empty if the system does not tell.
std::string pid_namespace();          ///< "pid:[4026531836]": where this process's pid counts; empty if unknown.
std::uint64_t process_start_ticks();  ///< Field 22 of /proc/self/stat; 0 if unknown.
std::string host_name();
std::string executable_path();
std::string working_directory();  ///< Empty if it was removed.
std::string command_line_json();  ///< JSON array of the arguments, without the program itself.
std::string program_name();       ///< argv[0].

}  // namespace wb
