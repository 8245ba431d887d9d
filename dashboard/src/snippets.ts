// Programs that make a first call: with the base URL, the key and the model of the reader.

export interface Wish {
  /** Such as `https://api.example.com`. */
  origin: string;
  /** A key, or the name of a variable that holds it. */
  key: string | null;
  openai: string;
  anthropic: string;
}

interface Snippet {
  /** As its own documentation writes it; the same in every language. */
  name: string;
  code: (wish: Wish) => string;
}

const VARIABLE = 'AIDUET_API_KEY';
const shell = (key: string | null) => key ?? `$${VARIABLE}`;
const python = (key: string | null) => (key ? `"${key}"` : `os.environ["${VARIABLE}"]`);
const node = (key: string | null) => (key ? `"${key}"` : `process.env.${VARIABLE}`);

export const SNIPPETS: Record<string, Snippet> = {
  curl: {
    name: 'curl',
    code: ({ origin, key, openai }) => `curl ${origin}/v1/chat/completions \\
  -H "Authorization: Bearer ${shell(key)}" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${openai}",
    "messages": [{"role": "user", "content": "Hello"}]
  }'`,
  },
  'curl-anthropic': {
    name: 'curl · Messages',
    code: ({ origin, key, anthropic }) => `curl ${origin}/v1/messages \\
  -H "x-api-key: ${shell(key)}" \\
  -H "anthropic-version: 2023-06-01" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${anthropic}",
    "max_tokens": 256,
    "messages": [{"role": "user", "content": "Hello"}]
  }'`,
  },
  'python-openai': {
    name: 'Python · openai',
    code: ({ origin, key, openai }) => `${key ? '' : 'import os\n'}from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=${python(key)})
answer = client.chat.completions.create(
    model="${openai}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
  },
  'python-anthropic': {
    name: 'Python · anthropic',
    code: ({ origin, key, anthropic }) => `${key ? '' : 'import os\n'}from anthropic import Anthropic

client = Anthropic(base_url="${origin}", api_key=${python(key)})
message = client.messages.create(
    model="${anthropic}",
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello"}],
)
print(message.content[0].text)`,
  },
  'node-openai': {
    name: 'TypeScript · openai',
    code: ({ origin, key, openai }) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${origin}/v1", apiKey: ${node(key)} });
const answer = await client.chat.completions.create({
  model: "${openai}",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`,
  },
  'node-anthropic': {
    name: 'TypeScript · anthropic',
    code: ({ origin, key, anthropic }) => `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "${origin}", apiKey: ${node(key)} });
const message = await client.messages.create({
  model: "${anthropic}",
  max_tokens: 256,
  messages: [{ role: "user", content: "Hello" }],
});
console.log(message.content);`,
  },
  'claude-code': {
    name: 'Claude Code',
    code: ({ origin, key }) => `export ANTHROPIC_BASE_URL="${origin}"
export ANTHROPIC_AUTH_TOKEN="${shell(key)}"
claude`,
  },
  codex: {
    name: 'Codex CLI',
    code: ({ origin, key }) => `# ~/.codex/config.toml
model_provider = "aiduet"

[model_providers.aiduet]
name = "AI Duet"
base_url = "${origin}/v1"
env_key = "${VARIABLE}"
wire_api = "responses"

# ${key ? `export ${VARIABLE}="${key}"` : `export ${VARIABLE}=…`}`,
  },
};
