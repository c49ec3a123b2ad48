import { enabled, log as write } from 'gg:host/logging@0.1.0';

/** Structured log records: `log.info('alert', { sensor, value })`. */
export const log = {
  trace: (message, fields) => record('trace', message, fields),
  debug: (message, fields) => record('debug', message, fields),
  info: (message, fields) => record('info', message, fields),
  warn: (message, fields) => record('warn', message, fields),
  error: (message, fields) => record('error', message, fields),

  /** Whether a record of this level would be kept. */
  enabled: (level) => enabled(level),
};

function record(level, message, fields = {}) {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  write(level, String(message), pairs.map(([key, value]) => [key, text(value)]));
}

function text(value) {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return JSON.stringify(value) ?? String(value);
}
