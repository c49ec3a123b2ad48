/* Passes on the temperatures above a threshold. */

#include <gg_host.h>
#include <stdlib.h>
#include <string.h>

/* The messages that were asked to come again, by a hash of their payload; the oldest one goes. */
static uint32_t seen[16];
static unsigned next_seen;

static bool first_time(const gg_message_t *message) {
  uint32_t hash = 2166136261;
  for (size_t i = 0; i < message->length; i++) hash = (hash ^ (uint8_t)message->payload[i]) * 16777619;
  for (unsigned i = 0; i < 16; i++) {
    if (seen[i] == hash) {
      seen[i] = 0;
      return false;
    }
  }
  seen[next_seen++ % 16] = hash;
  return true;
}

gg_outcome_t gg_handle(const gg_message_t *message) {
  gg_json_t reading = gg_json_parse(message->payload, message->length);
  if (!reading.at) return gg_reject("the payload is not JSON");
  gg_json_t value = gg_json_get(reading, "value");
  double number;
  if (!gg_json_number(value, &number)) return gg_reject("the payload has no number in `value`");
  if (gg_json_is_true(gg_json_get(reading, "retry")) && first_time(message)) return gg_retry("asked to come again");
  if (number <= gg_config_number("threshold", 30)) return gg_done();

  /* The number goes on as it was written. */
  char *digits = strndup(value.at, value.length);
  char *sensor = gg_topic_level(message->topic, 1);
  char *quoted = gg_json_quote(sensor ? sensor : "");
  bool sent = gg_publish_json("alerts/temperature", "{\"sensor\":%s,\"value\":%s}", quoted, digits);
  if (sent) gg_info("alert", "sensor", sensor ? sensor : "", "value", digits);
  free(quoted);
  free(sensor);
  free(digits);
  return sent ? gg_done() : gg_failed();
}
