// Reads one tail forward: every frame that verifies, behind damage from the next one that does.
#pragma once

#include <functional>
#include <string>

#include "schema/frame.h"
#include "schema/tail_file.h"
#include "wb/status.h"

namespace wb {

/// Opens `name` in the directory `directory_fd` (no symbolic link, regular file, head of `journal`) and calls `visit`
/// for each frame, borrowed for the call. Needs about 1 MiB of memory. Bytes that are no frame, torn ones at the end
/// among them, are passed over. kTruncated: the head is not all there (the tail is empty). kCorrupt: it is no tail of
/// this journal. Others: it could not be read.
Status scan_tail(int directory_fd, const std::string& name, const Uuid& journal,
                 const std::function<Status(const Frame&)>& visit);

}  // namespace wb
