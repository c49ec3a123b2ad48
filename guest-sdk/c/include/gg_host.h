/*
 * What a gg-host component in C uses: short forms of the common calls. Everything else is in the
 * generated gg.h, which this includes.
 *
 * A call that can fail says so in what it returns; gg_error() and gg_error_kind() then tell why.
 */
#ifndef GG_HOST_H
#define GG_HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---- */

/* Why the last call failed: a sentence for a person. */
const char *gg_error(void);

/* The same as GG_HOST_TYPES_ERROR_UNAUTHORIZED, _NOT_FOUND, ... */
uint8_t gg_error_kind(void);

/* ---- Messages ---- */

/* A message as it reaches a component. A NUL follows the payload, and is not counted. */
typedef struct {
  const char *topic;
  const char *payload;
  size_t length;
  gg_host_types_payload_format_t format;
  gg_host_types_origin_t origin;
} gg_message_t;

typedef gg_host_pubsub_own_subscription_t gg_subscription_t;

/* What waiting for a message came to. */
typedef enum {
  GG_FAILED = -1,
  /* The time is up, or the component is asked to stop. */
  GG_NONE = 0,
  GG_MESSAGE = 1,
} gg_next_t;

/* Publish bytes. */
bool gg_publish(const char *topic, const void *payload, size_t length);

/* Publish one JSON value, made as by printf. */
bool gg_publish_json(const char *topic, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Subscribe to a topic filter. */
bool gg_subscribe(const char *filter, gg_subscription_t *subscription);

/* Wait for the next message; it must be freed. */
gg_next_t gg_next(gg_subscription_t subscription, gg_message_t *message);

/* The same, at most so many milliseconds. */
gg_next_t gg_next_timeout(gg_subscription_t subscription, uint32_t timeout_ms, gg_message_t *message);

void gg_message_free(gg_message_t *message);

void gg_unsubscribe(gg_subscription_t subscription);

/* One level of a message's topic, counted from 0, to be freed; NULL where there is none. */
char *gg_topic_level(const char *topic, unsigned level);

/* ---- Configuration ---- */

/* The value at a path such as "limits.high" as JSON text, to be freed; NULL where there is none. */
char *gg_config_get(const char *path);

/* A number, or what stands in for it. */
double gg_config_number(const char *path, double otherwise);

/* A string, to be freed; a copy of `otherwise` (which may be NULL) where there is none. */
char *gg_config_string(const char *path, const char *otherwise);

/* ---- Log records ---- */

/* Write a record; pairs of keys and values, all `const char *`, may follow the message. */
#define gg_trace(...) gg_log(GG_HOST_LOGGING_LEVEL_TRACE, __VA_ARGS__, (const char *)NULL)
#define gg_debug(...) gg_log(GG_HOST_LOGGING_LEVEL_DEBUG, __VA_ARGS__, (const char *)NULL)
#define gg_info(...) gg_log(GG_HOST_LOGGING_LEVEL_INFO, __VA_ARGS__, (const char *)NULL)
#define gg_warn(...) gg_log(GG_HOST_LOGGING_LEVEL_WARN, __VA_ARGS__, (const char *)NULL)
#define gg_fail(...) gg_log(GG_HOST_LOGGING_LEVEL_ERROR, __VA_ARGS__, (const char *)NULL)

/* What the macros call: NULL ends the pairs. */
void gg_log(gg_host_logging_level_t level, const char *message, ...);

/* ---- JSON ---- */

/* A value inside a JSON text, which must live as long; `at` is NULL where there is none. */
typedef struct {
  const char *at;
  size_t length;
} gg_json_t;

/* The value that a text is; none if it is not JSON. */
gg_json_t gg_json_parse(const char *text, size_t length);

/* A member of an object; none if there is no such member, or the value is no object. */
gg_json_t gg_json_get(gg_json_t object, const char *key);

/* Whether the value is a number, and which. */
bool gg_json_number(gg_json_t value, double *number);

/* Whether the value is `true`. */
bool gg_json_is_true(gg_json_t value);

/* A string's text, to be freed; NULL if the value is no string. */
char *gg_json_string(gg_json_t value);

/* Text as a JSON string with its quotes, to be freed. */
char *gg_json_quote(const char *text);

/* ---- Handlers (world handler) ---- */

/* What became of a message. */
typedef struct {
  bool handled;
  /* Otherwise: whether to deliver it again later, and why. */
  bool retry;
  char *reason;
} gg_outcome_t;

/* A component of world handler defines this. The message is freed afterwards. */
gg_outcome_t gg_handle(const gg_message_t *message);

gg_outcome_t gg_done(void);

/* The message will never work. */
gg_outcome_t gg_reject(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The host shall deliver the message again later. */
gg_outcome_t gg_retry(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A call has failed: to be retried if it may work later, else rejected. */
gg_outcome_t gg_failed(void);

#ifdef __cplusplus
}
#endif

#endif
