/** A secret that has not been looked at. */
export interface Secret {
  reveal(): string | Uint8Array;
  version(): string;
  stages(): string[];
}

/** Find a secret by its name or ARN; left out: the stage `AWSCURRENT`. */
export function get(name: string, which?: { version: string } | { stage: string }): Secret;

/** The version that counts now; the cloud is asked first, if the secret is from there. */
export function refresh(name: string): Secret;
