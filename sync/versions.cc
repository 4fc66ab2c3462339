// Versions: asked at run time, because a cluster's libraries differ from those built against.
#include "sync/versions.h"

#include <sqlite3.h>
#include <zstd.h>

#include "schema/limits.h"
#include "sync/net/http.h"

namespace wb {

std::string versions_text() {
  std::string text = "wbsync " WB_VERSION;
  text += "\njournal format " + std::to_string(kFormatVersion);
  text += std::string("\nSQLite ") + sqlite3_libversion();
  text += std::string("\nzstd ") + ZSTD_versionString();
  text += "\n" + http_library_version();
  return text;
}

}  // namespace wb
