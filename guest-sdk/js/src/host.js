import { decode, encode } from './utf8.js';

/** Why the host did not do what was asked; `kind` is one of the cases of the WIT variant `error`. */
export class HostError extends Error {
  name = 'HostError';

  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Call the host, and turn the binding's error into a `HostError`. */
export function call(f) {
  try {
    return f();
  } catch (error) {
    const { tag, val } = error?.payload ?? {};
    throw tag === undefined ? error : new HostError(tag, val);
  }
}

/** A message as it reaches a component. */
export class Message {
  constructor({ topic, payload, format, origin }) {
    this.topic = topic;
    this.payload = payload;
    this.format = format;
    this.origin = origin;
  }

  /** The payload as text; throws if it is not UTF-8. */
  text() {
    return decode(this.payload);
  }

  /** The payload as a JSON value; throws a `SyntaxError` if it is none. */
  json() {
    return JSON.parse(this.text());
  }
}

/** Bytes, and what they are: bytes stay, text is UTF-8, anything else becomes JSON. */
export function toPayload(value) {
  if (value instanceof Uint8Array) return { payload: value, format: 'binary' };
  if (typeof value === 'string') return { payload: encode(value), format: 'binary' };
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${typeof value} cannot be published`);
  return { payload: encode(text), format: 'json' };
}
