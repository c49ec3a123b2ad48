/* Answers each message with a greeting. */

#define _GNU_SOURCE
#include <gg_host.h>
#include <stdio.h>
#include <stdlib.h>

/* Start here: the host calls this once for each message of the topics that recipe.yaml names
   under `subscriptions`. */
gg_outcome_t gg_handle(const gg_message_t *message) {
  char *greeting = gg_config_string("greeting", "Hello");
  gg_info("greeting", "name", message->payload);

  char *text;
  if (asprintf(&text, "%s, %s!", greeting, message->payload) < 0) abort();
  char *quoted = gg_json_quote(text);
  bool sent = gg_publish_json("{{name}}/out", "{\"text\":%s}", quoted);
  free(quoted);
  free(text);
  free(greeting);
  return sent ? gg_done() : gg_failed();
}
