import type { Message, Payload } from './index.js';

export interface PublishOptions {
  /** Default: 1. */
  qos?: 0 | 1;
  retain?: boolean;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  /** Seconds after which the broker no longer delivers it. */
  messageExpiry?: number;
  userProperties?: Record<string, string>;
}

/** A message from the cloud's broker. */
export interface Publication extends Message {
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties: [string, string][];
}

/** The messages of a filter; the iteration ends when the component is asked to stop. */
export interface Subscription extends Iterable<Publication> {
  next(timeoutMs?: number): Publication | undefined;
  readonly dropped: number;
}

/** Publish to the cloud; done once the message is in the device's spool. */
export function publish(topic: string, value: Payload, options?: PublishOptions): void;

/** Answer a message where it says that an answer is expected; gives whether it does. */
export function answer(to: Publication, value: Payload, options?: PublishOptions): boolean;

/** Subscribe at the cloud's broker. */
export function subscribe(filter: string, options?: { qos?: 0 | 1 }): Subscription;

/** Whether the link is up at this moment. */
export function connected(): boolean;
