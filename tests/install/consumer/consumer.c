/* A user's C program: ten rows through the C ABI. */
#include <wb/wb.h>

int main(void) {
  wb_run* run = NULL;
  if (wb_open(NULL, &run) != WB_OK) return 1;
  const char* const names[] = {"loss"};
  for (int64_t step = 0; step < 10; ++step) {
    const double values[] = {1.0 / (double)(step + 1)};
    if (wb_log_f64(run, step, names, values, 1) != WB_OK) return 1;
  }
  const wb_status status = wb_finish(run, 0);
  wb_close(run);
  return status == WB_OK ? 0 : 1;
}
