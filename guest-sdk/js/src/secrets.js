import * as secrets from 'gg:host/secrets@0.1.0';
import { call } from './host.js';

/** Find a secret by name or ARN; `{ version }` or `{ stage }` chooses one. */
export function get(name, { version, stage } = {}) {
  let which;
  if (version !== undefined) which = { tag: 'version', val: version };
  else if (stage !== undefined) which = { tag: 'stage', val: stage };
  return opaque(call(() => secrets.get(name, which)));
}

/** The version that counts now; the cloud is asked first, if the secret is from there. */
export function refresh(name) {
  return opaque(call(() => secrets.refresh(name, undefined)));
}

function opaque(secret) {
  return {
    /** The value: a string or bytes. */
    reveal: () => call(() => secret.reveal()).val,
    version: () => secret.version(),
    stages: () => secret.stages(),
  };
}
