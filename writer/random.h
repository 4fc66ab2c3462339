// Randomness from the system.
#pragma once

#include <string>

#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

/// kIoError: the system gives no random bytes.
Result<Uuid> random_uuid();

/// Eight characters [0-9a-z].
Result<std::string> random_run_id();

}  // namespace wb
