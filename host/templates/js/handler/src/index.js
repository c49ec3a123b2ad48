// Answers each message with a greeting.
import { config, defineHandler, log, publish } from '@gg-host/sdk';

// Start here: the host calls this once for each message of the topics that recipe.yaml names
// under `subscriptions`.
export const messageHandler = defineHandler((message) => {
  const greeting = config.get('greeting', 'Hello');
  const name = message.text();
  log.info('greeting', { name });
  publish('{{name}}/out', { text: `${greeting}, ${name}!` });
});
