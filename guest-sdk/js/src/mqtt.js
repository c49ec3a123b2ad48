import * as mqtt from 'gg:host/mqtt@0.1.0';
import { call, Message, toPayload } from './host.js';

const QOS = ['at-most-once', 'at-least-once'];

/** Publish to the cloud's broker. */
export function publish(topic, value, { qos = 1, retain = false, ...rest } = {}) {
  const { payload, format } = toPayload(value);
  const userProperties = Object.entries(rest.userProperties ?? {}).map(([key, text]) => ({ key, value: text }));
  const { contentType, responseTopic, correlationData, messageExpiry } = rest;
  const publication = {
    topic, payload, format, qos: QOS[qos], retain,
    contentType, responseTopic, correlationData, messageExpiry, userProperties,
  };
  call(() => mqtt.publish(publication));
}

/** Answer a message where it says that an answer is expected; gives whether it does. */
export function answer(to, value, options) {
  const { responseTopic, correlationData } = to;
  if (responseTopic === undefined) return false;
  publish(responseTopic, value, { ...options, correlationData });
  return true;
}

/** Subscribe at the cloud's broker. */
export function subscribe(filter, { qos = 1 } = {}) {
  const inner = call(() => mqtt.subscribe(filter, QOS[qos]));
  return {
    /** The next message; `undefined`: asked to stop, or the time is up. */
    next(timeoutMs) {
      const raw = call(() => (timeoutMs === undefined ? inner.next() : inner.nextTimeout(timeoutMs)));
      return raw == null ? undefined : new Publication(raw);
    },
    get dropped() {
      return inner.dropped();
    },
    *[Symbol.iterator]() {
      for (let message = this.next(); message; message = this.next()) yield message;
    },
  };
}

/** Whether the link is up at this moment. */
export function connected() {
  return mqtt.connected();
}

class Publication extends Message {
  constructor(raw) {
    super({ ...raw, format: raw.format ?? 'binary', origin: 'cloud' });
    this.qos = QOS.indexOf(raw.qos);
    this.retain = raw.retain;
    this.contentType = raw.contentType ?? undefined;
    this.responseTopic = raw.responseTopic ?? undefined;
    this.correlationData = raw.correlationData ?? undefined;
    this.userProperties = raw.userProperties.map(({ key, value }) => [key, value]);
  }
}
