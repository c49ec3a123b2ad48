import * as secrets from 'gg:host/secrets@0.1.0';
import { call } from './host.js';

/** Find a secret by name or ARN; `{ version }` or `{ stage }` chooses one. */
export function get(name, { version, stage } = {}) {
  let which;
  if (version !== undefined) which = { tag: 'version', val: version };
  else if (stage !== undefined) which = { tag: 'stage', val: stage };
  const secret = call(() => secrets.get(name, which));
  return {
    /** The value: a string or bytes. */
    reveal: () => call(() => secret.reveal()).val,
    version: () => secret.version(),
    stages: () => secret.stages(),
  };
}
