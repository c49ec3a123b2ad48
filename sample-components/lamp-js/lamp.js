// A lamp: does what its shadow wants of it, and says how it is.
import { defineService, log } from '@gg-host/sdk';
import { onDelta, report } from '@gg-host/sdk/shadow';

const LIGHT = { shadowName: 'light' };

export const run = defineService(() => {
  for (const { state: wanted } of onDelta(LIGHT)) {
    const { on, brightness } = wanted;
    if (brightness !== undefined && !Number.isInteger(brightness)) {
      log.warn('not what a lamp can do', wanted);
      continue;
    }
    // No lamp is brighter than this. What is not wanted to be otherwise is left out.
    const light = { on, brightness: brightness && Math.min(brightness, 100) };
    log.info('switching', light);
    report(light, LIGHT);
  }
});
