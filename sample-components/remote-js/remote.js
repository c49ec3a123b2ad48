// A remote control: does what the cloud says, and answers where the cloud wants the answer.
import { config, defineService, log } from '@gg-host/sdk';
import { answer, subscribe } from '@gg-host/sdk/mqtt';

export const run = defineService(() => {
  const name = config.get('name', 'kettle');
  const commands = subscribe(`commands/${name}`);
  for (const command of commands) {
    const done = obey(name, command);
    log.info('asked', done);
    answer(command, done);
  }
});

function obey(name, command) {
  try {
    const { on } = command.json();
    return typeof on === 'boolean' ? { name, on } : { name, error: 'no `on`' };
  } catch (error) {
    return { name, error: error.message };
  }
}
