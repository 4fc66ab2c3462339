// The versions of wbsync and of the libraries that it runs with.
#pragma once

#include <string>

namespace wb {

/// "wbsync 0.1.0", then a line for the format and one for each library, as found at run time.
std::string versions_text();

}  // namespace wb
