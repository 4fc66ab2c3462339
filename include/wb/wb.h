/* wb.h: the C ABI (C11) of a training process. The same as wb/run.h, for other languages.
 *
 * Strings are zero-terminated UTF-8 and borrowed for the call. All functions are thread-safe unless it says
 * otherwise, none opens a socket, none throws. Numbers of enumerators never change meaning; structures grow at
 * their end only, told apart by their `size`. */
#ifndef WB_WB_H
#define WB_WB_H

#include <stddef.h>
#include <stdint.h>

#define WB_EXPORT __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* A run of this process. wb_close() ends its life. */
typedef struct wb_run wb_run;

/* What the caller can do next; wb_error_text() says what happened. */
typedef enum wb_status {
  WB_OK = 0,
  WB_INVALID_ARGUMENT = 1, /* The call itself is wrong; repeating it does not help. */
  WB_NOT_FOUND = 2,
  WB_EXISTS = 3,
  WB_PERMISSION = 4,
  WB_NO_SPACE = 5,
  WB_IO_ERROR = 6,
  WB_TIMEOUT = 7, /* Not done in time, still going on; ask again. */
  WB_TRUNCATED = 8,
  WB_CORRUPT = 9,
  WB_UNSUPPORTED = 10,
  WB_FULL = 11,   /* Not accepted; a row was counted as dropped. */
  WB_CLOSED = 12, /* The run has ended. */
  WB_UNAUTHORIZED = 13,
  WB_UNAVAILABLE = 14,
  WB_REJECTED = 15,
  WB_INTERNAL = 16
} wb_status;

typedef enum wb_keeper_mode {
  WB_KEEPER_DEFAULT = 0, /* WB_KEEPER=process|thread, then as WB_KEEPER_AUTO. */
  WB_KEEPER_AUTO = 1,    /* A wbkeep process; a thread if none can be started. */
  WB_KEEPER_PROCESS = 2,
  WB_KEEPER_THREAD = 3
} wb_keeper_mode;

#define WB_UNSET INT64_C(-1)

/* Start from wb_options_init(). A null string or WB_UNSET is filled from the environment, then by a default. */
typedef struct wb_options {
  size_t size; /* sizeof(wb_options) of the caller. */
  const char* project;
  const char* entity;
  const char* group;
  const char* job_type;
  const char* name;
  const char* id;
  const char* notes;
  const char* const* tags;
  size_t tag_count;
  const char* const* config_keys;   /* Top-level keys ... */
  const char* const* config_values; /* ... and their values as JSON. */
  size_t config_count;
  const char* directory;
  int64_t rank;
  int64_t world_size;
  int64_t attempt;
  size_t ring_bytes; /* 0: WB_RING_BYTES, then 8 MiB. */
  uint32_t keeper;   /* A wb_keeper_mode. */
  const char* keeper_path;
} wb_options;

typedef enum wb_type {
  WB_FLOAT64 = 0,
  WB_INT64 = 1,
  WB_UINT64 = 2,
  WB_BOOL = 3,
  WB_STRING = 4,
  WB_JSON = 5, /* JSON text; NaN, Infinity and -Infinity may stand bare. */
  WB_NULL = 6,
  WB_REMOVED = 7 /* In wb_summary() only: removes the key. */
} wb_type;

typedef struct wb_value {
  uint32_t type;       /* A wb_type. */
  uint32_t text_bytes; /* Of WB_STRING and WB_JSON, which need no terminating zero. */
  union {
    double f64;
    int64_t i64;
    uint64_t u64;
    uint64_t boolean; /* 0 or 1. */
    const char* text;
  } as;
} wb_value;

/* How a row is placed. commit: 1, 0, or -1 for the default (yes without a step, no with one). */
typedef struct wb_log_options {
  int64_t step; /* WB_UNSET: the current one. */
  int32_t commit;
} wb_log_options;

typedef struct wb_metric_definition {
  size_t size;             /* sizeof(wb_metric_definition) of the caller. */
  const char* name;        /* May end in '*'. */
  const char* step_metric; /* NULL: _step. */
  int32_t step_sync;       /* 1, 0, or -1: not given. */
  int32_t hidden;
  const char* summary; /* "min,max,mean,best,last,first,copy,none", or NULL. */
  const char* goal;    /* "minimize", "maximize" or NULL. */
  int32_t overwrite;
} wb_metric_definition;

/* Sets every field to "not given". */
WB_EXPORT void wb_options_init(wb_options* options);

/* Opens a run; *run is NULL after an error. Waits at most 250 ms. `options` may be NULL. */
WB_EXPORT wb_status wb_open(const wb_options* options, wb_run** run);

/* Accepts a row. WB_FULL: it was dropped and counted (no room, a bad name or type, or a value over 64 KiB).
 * Names that are known, up to 256 metrics: no allocation, no system call. */
WB_EXPORT wb_status wb_log_f64(wb_run* run, int64_t step, const char* const* keys, const double* values, size_t count);
/* `options` may be NULL. */
WB_EXPORT wb_status wb_log(wb_run* run, const wb_log_options* options, const char* const* keys, const wb_value* values,
                           size_t count);

/* Interns a name: the handle is quicker than the name and valid for this run. */
WB_EXPORT wb_status wb_key(wb_run* run, const char* name, uint32_t* key);
WB_EXPORT wb_status wb_log_keys_f64(wb_run* run, int64_t step, const uint32_t* keys, const double* values,
                                    size_t count);
WB_EXPORT wb_status wb_log_keys(wb_run* run, const wb_log_options* options, const uint32_t* keys,
                                const wb_value* values, size_t count);

/* Top-level config values, summary values, fields of the run ("name", "notes", "tags", "group", "job_type"). */
WB_EXPORT wb_status wb_config(wb_run* run, const char* const* keys, const wb_value* values, size_t count);
WB_EXPORT wb_status wb_summary(wb_run* run, const char* const* keys, const wb_value* values, size_t count);
WB_EXPORT wb_status wb_update(wb_run* run, const char* const* keys, const wb_value* values, size_t count);
WB_EXPORT wb_status wb_define_metric(wb_run* run, const wb_metric_definition* definition);

/* Waits until all that was accepted is durable. WB_TIMEOUT: call again. */
WB_EXPORT wb_status wb_flush(wb_run* run, uint32_t timeout_ms);
/* Ends the run with the program's exit code. WB_TIMEOUT: the keeper completes the journal by itself. */
WB_EXPORT wb_status wb_finish(wb_run* run, int32_t exit_code);
/* Frees the handle; a run that was not finished is closed without an exit code. No other call may be going on. */
WB_EXPORT void wb_close(wb_run* run);

/* Borrowed until wb_close(). */
WB_EXPORT const char* wb_run_id(const wb_run* run);
WB_EXPORT const char* wb_run_directory(const wb_run* run);
WB_EXPORT const char* wb_run_journal(const wb_run* run);
WB_EXPORT void wb_run_counts(const wb_run* run, uint64_t* accepted, uint64_t* dropped);
WB_EXPORT int64_t wb_run_step(const wb_run* run);

/* What went wrong in this thread's last call that did not return WB_OK; "" if none did. Borrowed until the next. */
WB_EXPORT const char* wb_error_text(void);
/* "no space", "timeout", ... */
WB_EXPORT const char* wb_status_name(int32_t status);
WB_EXPORT const char* wb_version(void);

#ifdef __cplusplus
}
#endif

#endif /* WB_WB_H */
