// Puts the WIT package into this one before it is packed.
import { cp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const to = fileURLToPath(new URL('../wit', import.meta.url));
await rm(to, { recursive: true, force: true });
await cp(fileURLToPath(new URL('../../../wit', import.meta.url)), to, { recursive: true });
