// Answers each message with a greeting, and counts them.
import { config, defineService, log, publish, subscribe } from '@gg-host/sdk';

// Start here: this runs until the host asks it to stop, which ends the loop.
export const run = defineService(() => {
  const greeting = config.get('greeting', 'Hello');
  let count = 0;
  for (const message of subscribe('{{name}}/in')) {
    count += 1;
    publish('{{name}}/out', { text: `${greeting}, ${message.text()}!`, count });
  }
  log.info('done', { count });
});
