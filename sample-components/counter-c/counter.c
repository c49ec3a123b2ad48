/* Counts the messages of a filter, and publishes the count after each. */

#include <gg_host.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  char *filter = gg_config_string("filter", "sensors/#");
  char *topic = gg_config_string("topic", "counter/messages");
  gg_subscription_t messages;
  if (!gg_subscribe(filter, &messages)) {
    gg_fail("cannot subscribe", "filter", filter, "error", gg_error());
    return 1;
  }
  gg_info("counting", "filter", filter);

  unsigned long count = 0;
  gg_message_t message;
  gg_next_t got;
  while ((got = gg_next(messages, &message)) == GG_MESSAGE) {
    gg_message_free(&message);
    count++;
    if (!gg_publish_json(topic, "{\"count\":%lu}", count)) {
      gg_warn("cannot publish", "topic", topic, "error", gg_error());
    }
  }
  gg_unsubscribe(messages);

  char text[24];
  snprintf(text, sizeof text, "%lu", count);
  gg_info("done", "count", text);
  return got == GG_FAILED;
}
