// What both Node tests share: a port, expectations and waiting with a deadline.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export const port = Number(process.env.PEAL_PORT);
/// What a TLS connection needs; nothing without $PEAL_TLS_CA.
export const tls = process.env.PEAL_TLS_CA && {
  ca: readFileSync(process.env.PEAL_TLS_CA),
  cert: readFileSync(process.env.PEAL_TLS_CERT),
  key: readFileSync(process.env.PEAL_TLS_KEY),
};
/// Who connects over TLS; nothing without $PEAL_TLS_CA.
export const user = tls && {
  username: process.env.PEAL_USER,
  password: process.env.PEAL_PASSWORD,
};
const patienceMs = process.env.PEAL_SANITIZED ? 40000 : 10000;

/// Resolves when `condition` (which may be async) becomes true.
export async function eventually(condition, what) {
  const end = Date.now() + patienceMs;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/// Runs the parts one after the other, prints a PASS line for each and ends the process.
export async function run(library, parts) {
  for (const part of parts) {
    try {
      await part();
    } catch (error) {
      console.log(`FAIL ${library}: ${part.name}: ${error.stack}`);
      process.exit(1);
    }
    console.log(`PASS ${library}: ${part.name}`);
  }
  process.exit(0);
}
