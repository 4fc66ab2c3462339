/* A C11 program that uses only wb.h and libwb: DIR as its argument, exit code 0 if all is as documented. */
#include <stdio.h>
#include <string.h>

#include "wb/wb.h"

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, wb_error_text()); \
      return 1;                                                                    \
    }                                                                              \
  } while (0)

static int refusals(wb_run* run) {
  const char* const key[] = {"a"};
  const char* const no_key[] = {NULL};
  const double number[] = {1.0};
  const wb_value odd[] = {{.type = 99, .as.f64 = 0}};
  wb_options future;
  wb_options_init(&future);
  future.size = sizeof future + 8;
  wb_run* other = run;
  CHECK(wb_open(&future, &other) == WB_INVALID_ARGUMENT && other == NULL);
  CHECK(strlen(wb_error_text()) > 0);
  CHECK(wb_log_f64(NULL, WB_UNSET, key, number, 1) == WB_INVALID_ARGUMENT);
  CHECK(wb_log_f64(run, WB_UNSET, no_key, number, 1) == WB_INVALID_ARGUMENT);
  CHECK(wb_log_f64(run, WB_UNSET, key, NULL, 1) == WB_INVALID_ARGUMENT);
  CHECK(wb_log(run, NULL, key, odd, 1) == WB_INVALID_ARGUMENT);
  const wb_metric_definition bad = {.size = sizeof bad, .name = "a", .step_sync = -1, .goal = "sideways"};
  CHECK(wb_define_metric(run, &bad) == WB_INVALID_ARGUMENT);
  return 0;
}

static int log_rows(wb_run* run) {
  const char* const keys[] = {"loss", "accuracy"};
  const double numbers[] = {0.25, 0.5};
  for (int i = 0; i < 10; ++i) CHECK(wb_log_f64(run, WB_UNSET, keys, numbers, 2) == WB_OK);
  CHECK(wb_run_step(run) == 10);
  CHECK(wb_log_f64(run, 20, keys, numbers, 2) == WB_OK);
  CHECK(wb_run_step(run) == 20);

  uint32_t handles[2];
  CHECK(wb_key(run, "loss", &handles[0]) == WB_OK && wb_key(run, "text", &handles[1]) == WB_OK);
  const wb_value values[] = {{.type = WB_INT64, .as.i64 = -7}, {.type = WB_STRING, .text_bytes = 2, .as.text = "hi"}};
  const wb_log_options commit = {.step = 20, .commit = 1};
  CHECK(wb_log_keys(run, &commit, handles, values, 2) == WB_OK);
  CHECK(wb_run_step(run) == 21);
  CHECK(wb_log_keys_f64(run, WB_UNSET, handles, numbers, 1) == WB_OK);

  static char names[300][16];
  static const char* many_keys[300];
  static double many[300];
  for (int i = 0; i < 300; ++i) {
    snprintf(names[i], sizeof names[i], "many/%d", i);
    many_keys[i] = names[i];
    many[i] = i;
  }
  CHECK(wb_log_f64(run, WB_UNSET, many_keys, many, 300) == WB_OK);
  CHECK(wb_log_f64(run, WB_UNSET, many_keys, many, 200) == WB_OK);
  return 0;
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const char* const tags[] = {"c", "abi"};
  const char* const config_keys[] = {"lr"};
  const char* const config_values[] = {"0.1"};
  wb_options options;
  wb_options_init(&options);
  options.directory = arguments[1];
  options.project = "from C";
  options.tags = tags;
  options.tag_count = 2;
  options.config_keys = config_keys;
  options.config_values = config_values;
  options.config_count = 1;
  options.keeper = WB_KEEPER_PROCESS; /* Found beside libwb. */
  wb_run* run = NULL;
  CHECK(wb_open(&options, &run) == WB_OK);
  CHECK(strncmp(wb_run_directory(run), arguments[1], strlen(arguments[1])) == 0);
  CHECK(strstr(wb_run_journal(run), wb_run_id(run)) == wb_run_journal(run));
  if (refusals(run) != 0 || log_rows(run) != 0) return 1;

  const char* const summary_keys[] = {"best"};
  const wb_value best[] = {{.type = WB_JSON, .text_bytes = 5, .as.text = "[1,2]"}};
  const wb_metric_definition metric = {.size = sizeof metric, .name = "loss", .step_sync = -1, .summary = "min"};
  CHECK(wb_summary(run, summary_keys, best, 1) == WB_OK);
  CHECK(wb_config(run, summary_keys, best, 1) == WB_OK);
  CHECK(wb_define_metric(run, &metric) == WB_OK);
  CHECK(wb_flush(run, 20000) == WB_OK);
  CHECK(wb_finish(run, 0) == WB_OK);
  const char* const keys[] = {"loss"};
  const double number[] = {1.0};
  CHECK(wb_log_f64(run, WB_UNSET, keys, number, 1) == WB_FULL);
  uint64_t accepted = 0;
  uint64_t dropped = 0;
  wb_run_counts(run, &accepted, &dropped);
  CHECK(accepted == 15 && dropped == 1);
  CHECK(strcmp(wb_status_name(WB_NO_SPACE), "no space") == 0);
  CHECK(strlen(wb_version()) > 0);
  wb_close(run);
  return 0;
}
