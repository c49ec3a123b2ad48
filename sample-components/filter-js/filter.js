// Passes on the temperatures above a threshold.
import { config, defineHandler, log, publish, Reject, Retry } from '@gg-host/sdk';

const threshold = () => config.get('threshold', 30);
const seen = new Set();

export const messageHandler = defineHandler((message) => {
  const { value, retry } = parse(message);
  if (retry === true && !seen.delete(message.text())) {
    seen.add(message.text());
    throw new Retry('asked to come again');
  }
  if (value <= threshold()) return;

  const [, sensor] = message.topic.split('/');
  publish('alerts/temperature', { sensor, value });
  log.info('alert', { sensor, value });
});

function parse(message) {
  let reading;
  try {
    reading = message.json();
  } catch {
    throw new Reject('the payload is not JSON');
  }
  if (typeof reading?.value !== 'number') throw new Reject('the payload has no number in `value`');
  return reading;
}
