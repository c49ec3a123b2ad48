import * as shadow from 'gg:host/shadow@0.1.0';
import { call } from './host.js';

// A shadow is `{ thingName, shadowName }`; what is left out means this device, the classic shadow.
const id = ({ thingName, shadowName } = {}) => ({ thingName, shadowName });

/** The shadow document. */
export function get(which) {
  return JSON.parse(call(() => shadow.get(id(which))));
}

/** Update with a request document, for example `{ state: { reported: { on: true } } }`. */
export function update(document, which) {
  return JSON.parse(call(() => shadow.update(id(which), JSON.stringify(document))));
}

/** Say what is so. Members are merged, and one that is null is taken away. */
export function report(state, which) {
  update({ state: { reported: state } }, which);
}

/** Say what is wanted. Members are merged, and one that is null is taken away. */
export function desire(state, which) {
  update({ state: { desired: state } }, which);
}

/** Delete the shadow. */
export function remove(which) {
  call(() => shadow.delete(id(which)));
}

/** The names of a thing's named shadows. */
export function* list(thingName) {
  let token;
  do {
    const page = call(() => shadow.listNamed(thingName, 25, token));
    yield* page.names;
    token = page.nextToken ?? undefined;
  } while (token !== undefined);
}

/** What is wanted of a device and not reported: `for (const { state } of onDelta())`. */
export function onDelta(which) {
  const inner = call(() => shadow.onDelta(id(which)));
  return {
    /** The next delta; `undefined`: asked to stop, or the time is up. */
    next(timeoutMs) {
      const text = call(() => (timeoutMs === undefined ? inner.next() : inner.nextTimeout(timeoutMs)));
      return text == null ? undefined : JSON.parse(text);
    },
    *[Symbol.iterator]() {
      for (let delta = this.next(); delta; delta = this.next()) yield delta;
    },
  };
}
