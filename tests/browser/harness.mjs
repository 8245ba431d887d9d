// The real binary on loopback with a database of its own, the mails it writes to its console, and a
// browser that talks to nobody else.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';

const PROGRAM = process.env.AIDUET_BIN;
const CHROMIUM = process.env.AIDUET_CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE_MS = 20_000;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Text is drawn the same on every machine.
  '--font-render-hinting=none',
];

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** What a session may still ask: 120 calls at once, and two more each second, however fast this machine is. */
class Allowance {
  #asked = 0;
  #at = Date.now();

  /** So many calls above what has come back since. */
  #now() {
    const at = Date.now();
    this.#asked = Math.max(0, this.#asked - ((at - this.#at) / 1_000) * 2);
    this.#at = at;
    return this.#asked;
  }

  note() {
    this.#asked = this.#now() + 1;
  }

  /** Waits until a test may make so many calls. */
  async room(calls = 60) {
    const missing = this.#now() + calls - 120;
    if (missing > 0) await new Promise((done) => setTimeout(done, missing * 500));
  }
}

/** `aiduet demo`: simulated providers, mails on the console, an account with credit. */
export class Site {
  /** `environment` holds settings, or makes them of the address. */
  static async start(environment = {}) {
    if (!PROGRAM) throw new Error('AIDUET_BIN names the binary under test');
    const site = new Site();
    site.directory = mkdtempSync(join(tmpdir(), 'aiduet-browser-'));
    const port = await freePort();
    site.url = `http://127.0.0.1:${port}`;
    const settings = typeof environment === 'function' ? await environment(site.url) : environment;
    site.output = '';
    site.allowance = new Allowance();
    site.waiting = new Set();
    site.process = spawn(PROGRAM, ['demo', '--listen', `127.0.0.1:${port}`, '--data', site.directory], {
      env: { PATH: process.env.PATH, HOME: site.directory, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [site.process.stdout, site.process.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => site.hear(text));
    }
    site.process.once('exit', (code) => site.hear(`\n[the server ended with ${code}]\n`));
    await site.said(/Press Ctrl-C to stop/);
    site.email = 'demo@aiduet.example';
    site.password = /Password +(\S+)/.exec(site.output)[1];
    site.key = /API key +(\S+)/.exec(site.output)[1];
    return site;
  }

  hear(text) {
    this.output += text;
    for (const look of [...this.waiting]) look();
  }

  /** Waits until the server has said something, after a place in its output. */
  said(pattern, from = 0) {
    return new Promise((resolve, reject) => {
      const end = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`the server never said ${pattern}:\n${this.output.slice(-3000)}`));
      }, PATIENCE_MS);
      const look = () => {
        const found = pattern.exec(this.output.slice(from));
        if (!found) return;
        clearTimeout(end);
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }

  /** The path and fragment of the link in the next mail that leads to a page. */
  async link(page, from) {
    const [, path] = await this.said(new RegExp(`https?://[^/\\s]+(/dashboard/${page}#token=[\\w-]+)`), from);
    return path;
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    if (this.process.exitCode === null) {
      this.process.kill('SIGINT');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function launch() {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** A context that remembers what must not happen: requests to other origins, violations of the
 * policy, exceptions, dialogs, cookies of others. */
export async function open(browser, site, options = {}) {
  const context = await browser.newContext({ baseURL: site.url, locale: 'en-US', timezoneId: 'Asia/Shanghai', viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname.startsWith('/api/v1/')) site.allowance.note();
    const isOwn = url.origin === site.url || ['blob:', 'data:'].includes(url.protocol);
    if (!isOwn && url.origin !== context.company) faults.push(`request to ${url.origin}`);
  });
  context.on('weberror', (error) => faults.push(`exception: ${error.error()}`));
  context.on('console', (message) => {
    if (/^policy:|Content Security Policy|TrustedScript|TrustedHTML/.test(message.text())) faults.push(message.text());
  });
  context.on('dialog', (dialog) => {
    if (!context.expectsDialog) faults.push(`dialog: ${dialog.message()}`);
    return dialog.accept();
  });
  context.faults = faults;
  return context;
}

export async function signIn(page, site, { email, password } = site) {
  await page.goto('/dashboard/sign-in');
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.locator('form button[type=submit]').click();
  await page.locator('.shell h1').waitFor();
}

const HELLO = [{ role: 'user', content: 'Hello' }];
/** Calls of several models, by both dialects, streamed and whole; and two that do not succeed. */
const CALLS = [
  ['/v1/chat/completions', { model: 'gpt-5.4-mini', messages: HELLO }],
  ['/v1/chat/completions', { model: 'gpt-5.4-mini', messages: HELLO, stream: true }],
  ['/v1/chat/completions', { model: 'gpt-6.1-sol', messages: [{ role: 'user', content: 'Plan it. '.repeat(400) }], max_completion_tokens: 400 }],
  ['/v1/messages', { model: 'claude-haiku-4-5', max_tokens: 64, messages: HELLO }],
  ['/v1/messages', { model: 'claude-sonnet-5-5', max_tokens: 200, messages: HELLO, stream: true }],
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Write a Rust function that parses a CSV file.' }] }],
  ['/v1/embeddings', { model: 'text-embedding-3-small', input: 'Hello' }],
  ['/v1/chat/completions', { model: 'no-such-model', messages: HELLO }],
];

/** Makes calls with the key of the demonstration, each read to its end. */
export async function traffic(site) {
  for (const [path, body] of CALLS) {
    const response = await fetch(site.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${site.key}`, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await response.text();
  }
}

/** For the tests of a file: a site with calls on it, a browser, and the person of the demonstration,
 * signed in once, since doing it again and again is slowed down. `early` is done before that, and
 * `more` after it; `ahead` is by how many seconds the server is then ahead of the time of day. */
export function stage(more = () => undefined, { environment, early = () => undefined, ahead = 0 } = {}) {
  const stage = {
    ahead,
    /** Does something as that person, or with other options as a guest; nothing must go wrong in it. */
    async inContext(work, options) {
      const context = await open(stage.browser, stage.site, options);
      if (stage.ahead) await context.clock.setFixedTime(Date.now() + stage.ahead * 1_000);
      const page = await context.newPage();
      await work(page, context);
      assert.deepEqual(context.faults, []);
      const own = new Set(['__Secure-aiduet_refresh', '__Host-aiduet_device']);
      assert.deepEqual((await context.cookies(stage.site.url)).filter(({ name }) => !own.has(name)), []);
      await context.close();
    },
    async signedIn(work, options) {
      await stage.site.allowance.room();
      await stage.inContext(work, { storageState: stage.state, ...options });
    },
    /** Asks the account API as that person. */
    async ask(path, { method = 'GET', body } = {}) {
      await stage.site.allowance.room(1);
      stage.site.allowance.note();
      const { token } = JSON.parse(stage.state.origins[0].localStorage.find(({ name }) => name === 'aiduet.session').value);
      const response = await fetch(`${stage.site.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      assert.ok(response.ok, `${method} ${path}: ${text}`);
      return text === '' ? null : JSON.parse(text);
    },
  };
  before(async () => {
    stage.site = await Site.start(environment);
    await early(stage.site);
    stage.browser = await launch();
    await stage.inContext(async (page, context) => {
      await signIn(page, stage.site);
      await page.waitForLoadState('networkidle');
      stage.state = await context.storageState();
    });
    await more(stage);
  });
  after(async () => {
    await stage.browser?.close();
    await stage.site?.stop();
  });
  return stage;
}

const NANO = 1_000_000_000n;

/** The nano-dollars of a text such as `0.000421000 USD` or `−$3.00`. */
export function nano(text) {
  const [, sign, whole, rest = ''] = /([−-]?)\$?([\d,]+)(?:\.(\d+))?/.exec(text);
  const value = BigInt(whole.replaceAll(',', '')) * NANO + BigInt(rest.padEnd(9, '0'));
  return sign ? -value : value;
}

/** Dollars as nano-dollars. */
export function dollars(whole) {
  return BigInt(whole) * NANO;
}
