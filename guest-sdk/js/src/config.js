import { get, getOf, update, watch } from 'gg:host/configuration@0.1.0';
import { call, HostError } from './host.js';

/** The component's configuration. A path is `'limits.high'`, or a list of keys. */
export const config = {
  /** The value at a path; `fallback` where there is none. */
  get(path = [], fallback) {
    return valueOr(fallback, () => get(keys(path)));
  },

  /** The same of another component, where the recipe grants it. */
  getOf(component, path = [], fallback) {
    return valueOr(fallback, () => getOf(component, keys(path)));
  },

  /** Merge a value into the configuration at a path. */
  update(path, value) {
    call(() => update(keys(path), JSON.stringify(value), undefined));
  },

  /** The changes at a path and below: `for (const path of config.watch('limits'))`. */
  watch(path = []) {
    const watcher = call(() => watch(keys(path)));
    return {
      /** The path of a value that changed; `undefined`: asked to stop, or the time is up. */
      next(timeoutMs) {
        return call(() => (timeoutMs === undefined ? watcher.next() : watcher.nextTimeout(timeoutMs))) ?? undefined;
      },
      *[Symbol.iterator]() {
        for (let changed = this.next(); changed; changed = this.next()) yield changed;
      },
    };
  },
};

function keys(path) {
  if (typeof path !== 'string') return path;
  return path === '' ? [] : path.split('.');
}

function valueOr(fallback, read) {
  try {
    return JSON.parse(call(read));
  } catch (error) {
    if (error instanceof HostError && error.kind === 'not-found') return fallback;
    throw error;
  }
}
