import type { Json } from './index.js';

/** What is left out means this device, and the classic shadow. */
export interface ShadowId {
  thingName?: string;
  shadowName?: string;
}

/** The shadow document. */
export function get(which?: ShadowId): any;

/** Update with a request document, for example `{ state: { reported: { on: true } } }`. */
export function update(document: Json, which?: ShadowId): any;

/** Delete the shadow. */
export function remove(which?: ShadowId): void;

/** The names of a thing's named shadows. */
export function list(thingName?: string): Iterable<string>;

/** The differences between the desired and the reported state, as they arise. */
export function deltas(which?: ShadowId): Iterable<any> & { next(timeoutMs?: number): any };
