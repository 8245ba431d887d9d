// The clock of a server, which a test moves while it runs.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Clock {
  #place = mkdtempSync(join(tmpdir(), 'aiduet-clock-'));
  #file = openSync(join(this.#place, 'offset'), 'w+');

  /** By how much the server is ahead of the time of day. */
  set(seconds) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(seconds)));
    writeSync(this.#file, bytes, 0, 8, 0);
  }

  /** What the server is started with. */
  environment() {
    const library = join(this.#place, 'clock.so');
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, new URL('clock.c', import.meta.url).pathname, '-ldl']);
    return { LD_PRELOAD: library, AIDUET_TEST_CLOCK: join(this.#place, 'offset') };
  }

  remove() {
    closeSync(this.#file);
    rmSync(this.#place, { recursive: true });
  }
}
