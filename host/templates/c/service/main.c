/* Answers each message with a greeting, and counts them. */

#define _GNU_SOURCE
#include <gg_host.h>
#include <stdio.h>
#include <stdlib.h>

static void answer(const char *greeting, const char *name, unsigned count) {
  char *text;
  if (asprintf(&text, "%s, %s!", greeting, name) < 0) abort();
  char *quoted = gg_json_quote(text);
  if (!gg_publish_json("{{name}}/out", "{\"text\":%s,\"count\":%u}", quoted, count)) {
    gg_warn("cannot publish", "error", gg_error());
  }
  free(quoted);
  free(text);
}

/* Start here: the program runs until the host asks it to stop, which ends the loop. */
int main(void) {
  char *greeting = gg_config_string("greeting", "Hello");
  gg_subscription_t messages;
  if (!gg_subscribe("{{name}}/in", &messages)) {
    gg_fail("cannot subscribe", "error", gg_error());
    return 1;
  }
  gg_message_t message;
  gg_next_t got;
  unsigned count = 0;
  while ((got = gg_next(messages, &message)) == GG_MESSAGE) {
    answer(greeting, message.payload, ++count);
    gg_message_free(&message);
  }
  gg_info("done");
  free(greeting);
  return got == GG_FAILED;
}
