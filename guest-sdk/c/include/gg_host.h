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

/* ---- Inference ---- */

/* A named array of numbers, in row-major order. */
typedef struct {
  const char *name;
  const uint32_t *shape;
  size_t rank;
  /* GG_HOST_INFERENCE_ELEMENT_TYPE_FP32, ... */
  gg_host_inference_element_type_t element;
  const void *data;
  /* In bytes. */
  size_t size;
} gg_tensor_t;

/* What a model has given, in its own order; to be freed. */
typedef struct {
  gg_tensor_t *tensors;
  size_t count;
} gg_outputs_t;

/* An input made of an array of numbers or bool: gg_tensor("x", readings, sizeof readings, 1, 8).
   It ends with the block it is in. 16-bit floats have no type in C: fill the struct yourself. */
#define gg_tensor(name, values, size, ...) \
  gg_tensor_as(name, GG_ELEMENT(*(values)), values, size, __VA_ARGS__)

/* The same with the type of the elements said. */
#define gg_tensor_as(name, element, values, size, ...)                        \
  ((gg_tensor_t){(name), (const uint32_t[]){__VA_ARGS__},                     \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),  \
                 (element), (values), (size)})

/* The type of the elements that a value is one of. */
#define GG_ELEMENT(value)                              \
  _Generic((value),                                    \
      float: GG_HOST_INFERENCE_ELEMENT_TYPE_FP32,      \
      double: GG_HOST_INFERENCE_ELEMENT_TYPE_FP64,     \
      int8_t: GG_HOST_INFERENCE_ELEMENT_TYPE_I8,       \
      int16_t: GG_HOST_INFERENCE_ELEMENT_TYPE_I16,     \
      int32_t: GG_HOST_INFERENCE_ELEMENT_TYPE_I32,     \
      int64_t: GG_HOST_INFERENCE_ELEMENT_TYPE_I64,     \
      uint8_t: GG_HOST_INFERENCE_ELEMENT_TYPE_U8,      \
      uint16_t: GG_HOST_INFERENCE_ELEMENT_TYPE_U16,    \
      uint32_t: GG_HOST_INFERENCE_ELEMENT_TYPE_U32,    \
      uint64_t: GG_HOST_INFERENCE_ELEMENT_TYPE_U64,    \
      bool: GG_HOST_INFERENCE_ELEMENT_TYPE_BOOLEAN)

/* The names of the models that this component may use; gg_list_string_free frees them. */
bool gg_models(gg_list_string_t *names);

/* What is known of a model; gg_host_inference_model_info_free frees it. */
bool gg_describe(const char *model, gg_host_inference_model_info_t *info);

/* Run a model on every input once. */
bool gg_run(const char *model, const gg_tensor_t *inputs, size_t count, gg_outputs_t *outputs);

/* The same, in at most so many milliseconds. */
bool gg_run_within(const char *model, const gg_tensor_t *inputs, size_t count, uint32_t deadline_ms,
                   gg_outputs_t *outputs);

void gg_outputs_free(gg_outputs_t *outputs);

/* The output of a name; NULL where there is none. */
const gg_tensor_t *gg_output_named(const gg_outputs_t *outputs, const char *name);

/* The numbers of an output and how many, while the outputs live; false where there is no such output,
   or its numbers are others: const float *y; if (gg_output(&outputs, "y", &y, &count)) ... */
#define gg_output(outputs, name, values, count) \
  gg_output_as(outputs, name, GG_ELEMENT(**(values)), (const void **)(values), count)

/* The same with the type of the elements said. */
bool gg_output_as(const gg_outputs_t *outputs, const char *name, gg_host_inference_element_type_t element,
                  const void **values, size_t *count);

/* Strings as the data of a tensor, to be freed, and its size in bytes. */
void *gg_texts(const char *const *strings, size_t count, size_t *size);

/* One string of a tensor, counted from 0, to be freed; NULL where there is none. */
char *gg_text(const gg_tensor_t *tensor, size_t index);

/* A score and its place. */
typedef struct {
  size_t index;
  float score;
} gg_best_t;

/* Make scores shares that add up to 1. One that is not a number makes them all so. */
void gg_softmax(float *scores, size_t count);

/* The place of the greatest score, the first one of equal ones; `count` where none is a number. */
size_t gg_argmax(const float *scores, size_t count);

/* The `k` greatest scores, greatest first and the first one of equal ones; gives how many there are.
   Those that are not numbers are left out. */
size_t gg_top_k(const float *scores, size_t count, gg_best_t *best, size_t k);

/* One label of a text that has one a line, counted from 0, to be freed; NULL where there is none. */
char *gg_label(const char *text, size_t index);

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

/* An element of an array, counted from 0; none if there is no such element, or the value is no array. */
gg_json_t gg_json_item(gg_json_t array, size_t index);

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
