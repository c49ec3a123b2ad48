import type { Json } from './index.js';

/** What is left out means this device, and the classic shadow. */
export interface ShadowId {
  thingName?: string;
  shadowName?: string;
}

/** A shadow's document. A section that is not there is `undefined`. */
export interface Document<T> {
  state: { desired?: T; reported?: T; delta?: Partial<T> };
  /** Counted up with each change. */
  version: number;
  /** When it was asked for, in seconds since the Unix epoch. */
  timestamp: number;
}

/** What is wanted of a device and not reported: the members that differ, and no others. */
export interface Delta<T> {
  state: Partial<T>;
  /** The shadow's version. */
  version: number;
  /** When it was looked at, in seconds since the Unix epoch. */
  timestamp: number;
}

/** The differences of a shadow. Who is slow sees the last. */
export interface Deltas<T> extends Iterable<Delta<T>> {
  /** The next one; `undefined`: the component is asked to stop, or the time is up. */
  next(timeoutMs?: number): Delta<T> | undefined;
}

/** The shadow document. */
export function get<T = any>(which?: ShadowId): Document<T>;

/** Update with a request document, for example `{ state: { reported: { on: true } } }`. */
export function update(document: Json, which?: ShadowId): any;

/** Say what is so. Members are merged, and one that is null is taken away. */
export function report(state: Json, which?: ShadowId): void;

/** Say what is wanted. Members are merged, and one that is null is taken away. */
export function desire(state: Json, which?: ShadowId): void;

/** Delete the shadow. */
export function remove(which?: ShadowId): void;

/** The names of a thing's named shadows. */
export function list(thingName?: string): Iterable<string>;

/** Watch what is wanted and not reported. What is so now comes at once. */
export function onDelta<T = any>(which?: ShadowId): Deltas<T>;
