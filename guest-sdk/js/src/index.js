// What a gg-host component uses, the same on both engines. QuickJS has neither `console` nor
// `TextEncoder`, so nothing here needs them.

import * as bus from 'gg:host/pubsub@0.1.0';
import { describe, stopping as isStopping, updateState } from 'gg:host/lifecycle@0.1.0';
import { call, HostError, Message, toPayload } from './host.js';
import { log } from './log.js';

export { config } from './config.js';
export { HostError, Message } from './host.js';
export { log } from './log.js';
export { decode, encode } from './utf8.js';

/** Thrown in a handler: the message will never work. Any other error means the same. */
export class Reject extends Error {
  name = 'Reject';
}

/** Thrown in a handler: the host shall deliver the message again later. */
export class Retry extends Error {
  name = 'Retry';
}

/** Publish bytes, text, or any other value as JSON. */
export function publish(topic, value) {
  const { payload, format } = toPayload(value);
  call(() => bus.publish(topic, payload, format));
}

/** Subscribe to a topic filter. */
export function subscribe(filter, options) {
  if (options === undefined) return new Subscription(call(() => bus.subscribe(filter)));
  const { receiveMode, queue, whenFull } = options;
  return new Subscription(call(() => bus.subscribeWith(filter, { receiveMode, queue, whenFull })));
}

class Subscription {
  #inner;

  constructor(inner) {
    this.#inner = inner;
  }

  /** The next message; `undefined`: the component is asked to stop, or the time is up. */
  next(timeoutMs) {
    const inner = this.#inner;
    const raw = call(() => (timeoutMs === undefined ? inner.next() : inner.nextTimeout(timeoutMs)));
    return raw == null ? undefined : new Message(raw);
  }

  /** Messages lost so far because the queue was full. */
  get dropped() {
    return this.#inner.dropped();
  }

  *[Symbol.iterator]() {
    for (let message = this.next(); message; message = this.next()) yield message;
  }

  /** Unsubscribe. */
  close() {
    if (Symbol.dispose) this.#inner[Symbol.dispose]?.();
    this.#inner = undefined;
  }

  static innerOf(subscription) {
    return subscription.#inner;
  }
}

/** Wait on several subscriptions: `{ subscription, message }`, or `undefined`. */
export function nextAny(subscriptions, timeoutMs) {
  const arrival = call(() => bus.nextAny(subscriptions.map(Subscription.innerOf), timeoutMs));
  if (arrival == null) return undefined;
  return { subscription: subscriptions[arrival.index], message: new Message(arrival.message) };
}

/** Do nothing for so many milliseconds, or until the component is asked to stop. */
export function sleep(ms) {
  call(() => bus.nextAny([], ms));
}

/** Whether the component is asked to stop. */
export function stopping() {
  return isStopping();
}

/** Who this component is. */
export function identity() {
  return describe();
}

/** Report that the component is `running`, or `errored` and wants to be recovered. */
export function reportState(state) {
  call(() => updateState(state));
}

/** Make a function the component's message handler: `export const messageHandler = defineHandler(fn)`. */
export function defineHandler(handle) {
  return { handle: (raw) => finish(() => handle(new Message(raw)), failure) };
}

/** Make a function the component's main program: `export const run = defineService(fn)`. */
export function defineService(main) {
  return { run: () => finish(main, serviceFailure) };
}

// Only the engine `full` has an event loop. On the other one a promise would never be kept, and
// the host would take the message for handled.
const AWAITS = typeof setTimeout === 'function';

// Run a function, and throw what the host shall be told where it throws.
function finish(f, toFailure) {
  let result;
  try {
    result = f();
    if (typeof result?.then !== 'function') return undefined;
    if (!AWAITS) throw new TypeError('this engine cannot wait for a promise; build with --engine full');
  } catch (error) {
    throw toFailure(error);
  }
  const failed = (error) => {
    throw toFailure(error);
  };
  return result.then(() => {}, failed);
}

// What the host is told: a value of the WIT variant `failure`.
function failure(error) {
  if (error instanceof Retry) return { tag: 'retry', val: error.message };
  if (error instanceof Reject) return { tag: 'reject', val: error.message };
  if (error instanceof HostError && error.kind === 'unavailable') return { tag: 'retry', val: error.message };
  const text = describeError(error);
  log.debug('the handler threw', { error: text, stack: stackOf(error) });
  return { tag: 'reject', val: text };
}

function serviceFailure(error) {
  log.error('the service failed', { error: describeError(error), stack: stackOf(error) });
  return undefined;
}

function stackOf(error) {
  return error?.stack?.split('\n', 20).join('\n');
}

function describeError(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
