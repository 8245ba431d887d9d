// What the quickstart shows is copied and run as it stands: by bash, Python, Node.js, Go, Java and PHP,
// with a key of the page, with one in the environment, and with one that is refused.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stage } from './harness.mjs';
import { settled } from './screens.mjs';

/** An interpreter with the SDKs of both vendors (tests/requirements.txt). */
const PYTHON = process.env.AIDUET_PYTHON ?? 'python3';

const here = stage();

/** Programs that are files of their own: with the name of the file, what runs it. */
const FILES = {
  Go: ['first_call.go', ['go', 'run']],
  Java: ['FirstCall.java', ['java']],
  PHP: ['first_call.php', ['php']],
};

/** Each as a program: its language is in its name. */
function command(name, code) {
  if (name in FILES) {
    const [file, [program, ...options]] = FILES[name];
    const path = join(here.site.directory, file);
    writeFileSync(path, code);
    return [program, [...options, path]];
  }
  if (name.startsWith('Python')) return [PYTHON, ['-c', code]];
  if (name.startsWith('TypeScript')) return ['node', ['--input-type=module', '--eval', code]];
  // The tool itself is run in tests/npm; here it tells where it would call.
  if (name === 'Claude Code') return ['bash', ['-euc', `claude() { curl -sf "$ANTHROPIC_BASE_URL/v1/key" -H "Authorization: Bearer $ANTHROPIC_AUTH_TOKEN"; }\n${code}`]];
  if (name === 'Codex CLI') return [PYTHON, ['-c', `import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.argv[1])))`, code]];
  if (name === 'LangChain' || name === 'LlamaIndex') return [PYTHON, ['-c', STAND_IN, code]];
  if (name === 'Open WebUI' || name === 'LobeChat') return ['bash', ['-euc', `${DOCKER}\n${code}`]];
  // The program itself is compiled and run in aiduet-hyper/tests/it; here it is shown to be the same.
  if (name === 'Rust') return [PYTHON, ['-c', SAME, code, FIRST_CALL]];
  // What is typed into fields of a tool is read, not run.
  if (['Cursor', 'Cline', 'Continue', 'Cherry Studio'].includes(name)) return ['printf', ['%s', code]];
  return ['bash', ['-euo', 'pipefail', '-c', code]];
}

/** A container that is given an address and a key asks there for the models. */
const DOCKER = `docker() {
  for word in "$@"; do
    case "$word" in *URL=*) url="\${word#*=}" ;; *KEY=*) key="\${word#*=}" ;; esac
  done
  curl -sf "$url/models" -H "Authorization: Bearer $key"
}`;

/** In the place of libraries that are not installed here: asks with what they are given. */
const STAND_IN = `
import sys, types, urllib.request
class Model:
    def __init__(self, model, api_key, base_url=None, api_base=None, is_chat_model=True):
        asked = urllib.request.Request(f"{base_url or api_base}/models/{model}", headers={"authorization": f"Bearer {api_key}"})
        self.content = urllib.request.urlopen(asked).read().decode()
    def invoke(self, text):
        return self
    def complete(self, text):
        return self.content
for path, name in [("langchain_openai", "ChatOpenAI"), ("llama_index.llms.openai_like", "OpenAILike")]:
    parts = path.split(".")
    for end in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    setattr(sys.modules[path], name, Model)
exec(sys.argv[1])
`;

/** A program as it is in the file, but for the address, the model and the key. */
const SAME = `
import re, sys
shown, kept = (re.sub(r'(ask\\("|"model": ")[^"]+', r'\\1', open(text).read().strip() if text.endswith(".rs") else text) for text in sys.argv[1:])
assert shown == kept, shown
print("the same")
`;

const FIRST_CALL = new URL('../../dashboard/src/first_call.rs', import.meta.url).pathname;

const SETTINGS = /^(Cursor|Cline|Continue|Cherry Studio)$/;
/** Tools that are set up here and called nowhere. */
const CALLS_NOTHING = /^(Rust|Claude Code|Open WebUI|LobeChat|LangChain|LlamaIndex)$/;

async function copied(page) {
  await page.getByRole('main').getByRole('button', { name: 'Copy', exact: true }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** While it runs, connections that the server ends are seen to end. */
function outcome(program, options, settings) {
  return new Promise((resolve) => {
    execFile(program, options, settings, (error, stdout, stderr) => resolve({ status: error ? (error.code ?? error.signal) : 0, stdout, stderr }));
  });
}

async function usedBy(key) {
  const response = await fetch(`${here.site.url}/v1/credits`, { headers: { authorization: `Bearer ${key}` } });
  return BigInt((await response.json()).data.total_usage_nano);
}

/** Runs a snippet that is shown, as who has nothing but this in the environment. */
function execute(name, code, environment) {
  const [program, options] = command(name, code);
  return outcome(program, options, { env: { PATH: process.env.PATH, HOME: here.site.directory, ...environment }, timeout: 60_000 });
}

/** Runs the snippets of the page that is shown, or some of them. */
async function run(page, key, environment, only = /./) {
  const tabs = page.locator('.snippets .tabs button');
  const names = await tabs.allInnerTexts();
  assert.ok(names.length >= 20);
  const streams = page.getByLabel('Stream the answer');
  const wanted = names.filter((each) => only.test(each)).flatMap((name) => [[name, false], [name, true]]);
  for (const [name, isStreamed] of wanted) {
    await tabs.getByText(name, { exact: true }).click();
    if ((await streams.count()) > 0) await streams.setChecked(isStreamed);
    else if (isStreamed) continue;
    const code = await copied(page);
    assert.equal(/stream/.test(code), isStreamed, name);
    const before = await usedBy(key);
    const { status, stdout, stderr } = await execute(name, code, environment);
    assert.equal(status, 0, `${name}\n${code}\n${stdout}\n${stderr}`);
    assert.ok(stdout.trim() !== '' && !stdout.includes('"error"'), `${name}: ${stdout}`);
    if (name in FILES) assert.ok(!stdout.includes('"choices"'), `${name} prints the text alone: ${stdout}`);
    if (name === 'Codex CLI') {
      const provider = JSON.parse(stdout).model_providers.aiduet;
      assert.match(JSON.parse(stdout).model, /^gpt-/);
      assert.deepEqual([provider.base_url, provider.env_key, provider.wire_api], [`${here.site.url}/v1`, 'AIDUET_API_KEY', 'responses']);
    } else if (name === 'Claude Code') {
      assert.match(code, /ANTHROPIC_MODEL="claude-/);
    } else if (SETTINGS.test(name)) {
      assert.ok(code.includes(here.site.url) && /AIDUET_API_KEY|sk-duet-/.test(code), code);
    } else if (!CALLS_NOTHING.test(name)) {
      assert.ok((await usedBy(key)) > before, `${name} was charged`);
    }
  }
}

test('every snippet runs as it is copied', async () => {
  await here.signedIn(
    async (page) => {
      await page.goto('/dashboard/quickstart');
      await settled(page);
      await run(page, here.site.key, { AIDUET_API_KEY: here.site.key });
      await page.getByRole('button', { name: 'Create key' }).click();
      const key = (await page.locator('.secret').textContent()).trim();
      await page.getByLabel('I have saved this key').check();
      await page.getByRole('button', { name: 'Done' }).click();
      await run(page, key, {}, /^curl|openai$|^(Go|Java|PHP)$/);
      assert.ok(!(await page.locator('pre').innerText()).includes(key), 'the key is copied, and not shown again');
    },
    { permissions: ['clipboard-read', 'clipboard-write'] },
  );
});

test('every program tells why it is refused', async () => {
  await here.signedIn(
    async (page) => {
      await page.goto('/dashboard/quickstart');
      await settled(page);
      const tabs = page.locator('.snippets .tabs button');
      for (const name of (await tabs.allInnerTexts()).filter((each) => /^(Python|TypeScript|Go$|Java$|PHP$)/.test(each))) {
        await tabs.getByText(name, { exact: true }).click();
        const { status, stdout, stderr } = await execute(name, await copied(page), { AIDUET_API_KEY: 'sk-duet-none' });
        assert.notEqual(status, 0, name);
        assert.match(stdout + stderr, /The API key is not valid/, name);
      }
    },
    { permissions: ['clipboard-read', 'clipboard-write'] },
  );
});

test('on a small screen the language that was chosen before is in sight', async () => {
  await here.signedIn(
    async (page) => {
      await page.goto('/dashboard/quickstart');
      const tab = page.locator('.snippets').getByRole('button', { name: 'PHP' });
      await tab.click();
      await page.reload();
      await tab.waitFor();
      await page.waitForFunction(() => {
        const pressed = document.querySelector('.snippets [aria-pressed=true]');
        const [inner, outer] = [pressed, pressed.parentElement].map((each) => each.getBoundingClientRect());
        return pressed.textContent === 'PHP' && inner.left >= outer.left && inner.right <= outer.right;
      });
    },
    { viewport: { width: 360, height: 740 } },
  );
});
