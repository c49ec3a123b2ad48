// Forecasts a temperature: what the next 6 hours will be, by those of the last 24.
import { config, defineHandler, publish, Reject } from '@gg-host/sdk';
import { run, tensor } from '@gg-host/sdk/inference';

const HOURS = 24;

// What was measured last, by place; gone when the component starts anew.
const measured = new Map();

export const messageHandler = defineHandler((message) => {
  const { value } = message.json();
  if (typeof value !== 'number') throw new Reject('no number in `value`');
  const [, place] = message.topic.split('/');
  const past = [...(measured.get(place) ?? []), value].slice(-HOURS);
  measured.set(place, past);
  if (past.length < HOURS) return;

  const { next } = run('forecast', [tensor('past', [1, HOURS], past)], { deadlineMs: config.get('deadlineMs', 1000) });
  publish(`forecasts/${place}`, { next: [...next.values('fp32')] });
});
