/** Where a message came from: another component of this device, or the cloud's broker. */
export type Origin = 'local' | 'cloud';

/** What the publisher said the payload is. */
export type Format = 'binary' | 'json';

export type ErrorKind = 'unauthorized' | 'not-found' | 'invalid-argument' | 'conflict' | 'unavailable' | 'internal';

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Bytes are sent as they are, text as UTF-8, any other value as JSON. */
export type Payload = Uint8Array | string | number | boolean | null | object;

/** A path in the configuration: `'limits.high'`, or a list of keys. */
export type KeyPath = string | string[];

/** A message as it reaches a component. */
export class Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly format: Format;
  readonly origin: Origin;
  /** The payload as text; throws a `TypeError` if it is not UTF-8. */
  text(): string;
  /** The payload as a JSON value; throws if it is none. */
  json(): any;
}

/** Why the host did not do what was asked. */
export class HostError extends Error {
  readonly kind: ErrorKind;
}

/** Thrown in a handler: the message will never work. Any other error means the same. */
export class Reject extends Error {}

/** Thrown in a handler: the host shall deliver the message again later. */
export class Retry extends Error {}

/** Publish to a topic of this device. */
export function publish(topic: string, value: Payload): void;

export interface SubscribeOptions {
  /** Default: `from-others` for a filter with a wildcard, else `all`. */
  receiveMode?: 'all' | 'from-others';
  /** Messages the queue holds. Default: 256. */
  queue?: number;
  /** Default: `drop-oldest`. */
  whenFull?: 'drop-oldest' | 'drop-newest' | 'block';
}

/** The messages of a filter; the iteration ends when the component is asked to stop. */
export interface Subscription extends Iterable<Message> {
  /** The next message; `undefined`: the component is asked to stop, or the time is up. */
  next(timeoutMs?: number): Message | undefined;
  /** Messages lost so far because the queue was full. */
  readonly dropped: number;
  /** Unsubscribe. */
  close(): void;
}

/** Subscribe to a topic filter of this device. */
export function subscribe(filter: string, options?: SubscribeOptions): Subscription;

/** Wait on several subscriptions. */
export function nextAny(
  subscriptions: Subscription[],
  timeoutMs?: number,
): { subscription: Subscription; message: Message } | undefined;

/** Do nothing for so many milliseconds, or until the component is asked to stop. */
export function sleep(ms: number): void;

/** Whether the component is asked to stop. */
export function stopping(): boolean;

/** Who this component is. */
export function identity(): { component: string; version: string; thingName: string };

/** Report that the component is up, or that it wants to be recovered. */
export function reportState(state: 'running' | 'errored'): void;

export const config: {
  /** The value at a path; `fallback` where there is none. */
  get<T = any>(path?: KeyPath, fallback?: T): T;
  /** The same of another component, where the recipe grants it. */
  getOf<T = any>(component: string, path?: KeyPath, fallback?: T): T;
  /** Merge a value into the configuration at a path. */
  update(path: KeyPath, value: Json): void;
  /** The paths of the values that change at a path and below. */
  watch(path?: KeyPath): Iterable<string[]> & { next(timeoutMs?: number): string[] | undefined };
};

type Write = (message: string, fields?: Record<string, unknown>) => void;

/** Structured log records. */
export const log: Record<Level, Write> & {
  /** Whether a record of this level would be kept. */
  enabled(level: Level): boolean;
};

/** Text as UTF-8, on both engines. */
export function encode(text: string): Uint8Array;

/** UTF-8 as text, on both engines; throws a `TypeError` if it is not. */
export function decode(bytes: Uint8Array): string;

/** Make a function the component's message handler. A promise needs the engine `full`. */
export function defineHandler(handle: (message: Message) => void | Promise<void>): { handle(raw: unknown): void };

/** Make a function the component's main program. A promise needs the engine `full`. */
export function defineService(main: () => void | Promise<void>): { run(): void };
