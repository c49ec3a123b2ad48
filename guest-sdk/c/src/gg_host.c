#include "gg_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t error_kind;
static char *error_text;

void *gg_must(void *memory) {
  if (!memory) abort();
  return memory;
}

char *gg_text_of(const void *bytes, size_t length) {
  char *text = gg_must(malloc(length + 1));
  memcpy(text, bytes, length);
  text[length] = '\0';
  return text;
}

gg_string_t gg_string_of(const char *text) {
  return (gg_string_t){(uint8_t *)text, strlen(text)};
}

static char *format_text(const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  if (length < 0) abort();
  char *text = gg_must(malloc((size_t)length + 1));
  vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

static bool keep(uint8_t kind, char *text) {
  free(error_text);
  error_kind = kind;
  error_text = text;
  return false;
}

/* Every case of the variant carries a string at the same place. */
bool gg_failed_with(gg_host_types_error_t *error) {
  keep(error->tag, gg_text_of(error->val.internal.ptr, error->val.internal.len));
  gg_host_types_error_free(error);
  return false;
}

bool gg_failed_as(uint8_t kind, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  keep(kind, format_text(format, arguments));
  va_end(arguments);
  return false;
}

const char *gg_error(void) {
  return error_text ? error_text : "";
}

uint8_t gg_error_kind(void) {
  return error_kind;
}

static bool publish(const char *topic, const void *payload, size_t length, gg_host_types_payload_format_t format) {
  gg_string_t to = gg_string_of(topic);
  gg_list_u8_t bytes = {(uint8_t *)payload, length};
  gg_host_types_error_t error;
  return gg_host_pubsub_publish(&to, &bytes, format, &error) || gg_failed_with(&error);
}

bool gg_publish(const char *topic, const void *payload, size_t length) {
  return publish(topic, payload, length, GG_HOST_TYPES_PAYLOAD_FORMAT_BINARY);
}

bool gg_publish_json(const char *topic, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = format_text(format, arguments);
  va_end(arguments);
  bool done = publish(topic, text, strlen(text), GG_HOST_TYPES_PAYLOAD_FORMAT_JSON);
  free(text);
  return done;
}

bool gg_subscribe(const char *filter, gg_subscription_t *subscription) {
  gg_string_t which = gg_string_of(filter);
  gg_host_types_error_t error;
  return gg_host_pubsub_subscribe(&which, subscription, &error) || gg_failed_with(&error);
}

/* Takes what the raw message owns. */
static gg_message_t message_of(gg_host_types_message_t *raw) {
  gg_message_t message = {
      .topic = gg_text_of(raw->topic.ptr, raw->topic.len),
      .payload = gg_text_of(raw->payload.ptr, raw->payload.len),
      .length = raw->payload.len,
      .format = raw->format,
      .origin = raw->origin,
  };
  gg_host_types_message_free(raw);
  return message;
}

static gg_next_t next_of(bool done, gg_host_pubsub_option_message_t *raw, gg_host_types_error_t *error, gg_message_t *message) {
  if (!done) {
    gg_failed_with(error);
    return GG_FAILED;
  }
  if (!raw->is_some) return GG_NONE;
  *message = message_of(&raw->val);
  return GG_MESSAGE;
}

gg_next_t gg_next(gg_subscription_t subscription, gg_message_t *message) {
  gg_host_pubsub_option_message_t raw;
  gg_host_types_error_t error;
  bool done = gg_host_pubsub_method_subscription_next(gg_host_pubsub_borrow_subscription(subscription), &raw, &error);
  return next_of(done, &raw, &error, message);
}

gg_next_t gg_next_timeout(gg_subscription_t subscription, uint32_t timeout_ms, gg_message_t *message) {
  gg_host_pubsub_option_message_t raw;
  gg_host_types_error_t error;
  bool done = gg_host_pubsub_method_subscription_next_timeout(gg_host_pubsub_borrow_subscription(subscription), timeout_ms, &raw, &error);
  return next_of(done, &raw, &error, message);
}

void gg_message_free(gg_message_t *message) {
  free((char *)message->topic);
  free((char *)message->payload);
  *message = (gg_message_t){0};
}

void gg_unsubscribe(gg_subscription_t subscription) {
  gg_host_pubsub_subscription_drop_own(subscription);
}

char *gg_topic_level(const char *topic, unsigned level) {
  for (; level > 0; level--) {
    topic = strchr(topic, '/');
    if (!topic) return NULL;
    topic++;
  }
  return gg_text_of(topic, strcspn(topic, "/"));
}

char *gg_config_get(const char *path) {
  size_t count = 0;
  gg_string_t *keys = gg_must(malloc((strlen(path) + 1) * sizeof *keys));
  for (const char *key = path; *path && key; count++) {
    size_t length = strcspn(key, ".");
    keys[count] = (gg_string_t){(uint8_t *)key, length};
    key = key[length] ? key + length + 1 : NULL;
  }
  gg_list_string_t list = {keys, count};
  gg_string_t value;
  gg_host_types_error_t error;
  bool done = gg_host_configuration_get(&list, &value, &error);
  free(keys);
  if (!done) {
    gg_failed_with(&error);
    return NULL;
  }
  char *text = gg_text_of(value.ptr, value.len);
  gg_string_free(&value);
  return text;
}

double gg_config_number(const char *path, double otherwise) {
  char *text = gg_config_get(path);
  double number = otherwise;
  if (text && !gg_json_number(gg_json_parse(text, strlen(text)), &number)) number = otherwise;
  free(text);
  return number;
}

char *gg_config_string(const char *path, const char *otherwise) {
  char *text = gg_config_get(path);
  char *string = text ? gg_json_string(gg_json_parse(text, strlen(text))) : NULL;
  free(text);
  if (!string && otherwise) string = gg_text_of(otherwise, strlen(otherwise));
  return string;
}

void gg_log(gg_host_logging_level_t level, const char *message, ...) {
  va_list arguments;
  size_t count = 0;
  va_start(arguments, message);
  while (va_arg(arguments, const char *)) count++;
  va_end(arguments);

  gg_tuple2_string_string_t *fields = gg_must(malloc((count / 2 + 1) * sizeof *fields));
  va_start(arguments, message);
  for (size_t i = 0; i < count / 2; i++) {
    fields[i].f0 = gg_string_of(va_arg(arguments, const char *));
    fields[i].f1 = gg_string_of(va_arg(arguments, const char *));
  }
  va_end(arguments);
  gg_string_t text = gg_string_of(message);
  gg_list_tuple2_string_string_t list = {fields, count / 2};
  gg_host_logging_log(level, &text, &list);
  free(fields);
}

gg_outcome_t gg_done(void) {
  return (gg_outcome_t){.handled = true};
}

gg_outcome_t gg_reject(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  gg_outcome_t outcome = {.reason = format_text(format, arguments)};
  va_end(arguments);
  return outcome;
}

gg_outcome_t gg_retry(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  gg_outcome_t outcome = {.retry = true, .reason = format_text(format, arguments)};
  va_end(arguments);
  return outcome;
}

gg_outcome_t gg_failed(void) {
  bool later = error_kind == GG_HOST_TYPES_ERROR_UNAVAILABLE;
  return later ? gg_retry("%s", gg_error()) : gg_reject("%s", gg_error());
}

#ifdef EXPORTS_GG_HOST_MESSAGE_HANDLER_FAILURE_REJECT
bool exports_gg_host_message_handler_handle(exports_gg_host_message_handler_message_t *raw, exports_gg_host_message_handler_failure_t *failure) {
  gg_message_t message = message_of(raw);
  gg_outcome_t outcome = gg_handle(&message);
  gg_message_free(&message);
  if (outcome.handled) return true;
  /* Both cases carry a string at the same place; the bindings free it. */
  failure->tag = outcome.retry ? EXPORTS_GG_HOST_MESSAGE_HANDLER_FAILURE_RETRY : EXPORTS_GG_HOST_MESSAGE_HANDLER_FAILURE_REJECT;
  failure->val.reject = (gg_string_t){(uint8_t *)outcome.reason, strlen(outcome.reason)};
  return false;
}
#endif
