// Programs that make a first call: with the base URL, the key and the model of the reader.

import go from './first_call.go';
import php from './first_call.php';
import rust from './first_call.rs';
import java from './FirstCall.java';

export interface Wish {
  /** Such as `https://api.example.com`. */
  origin: string;
  /** A key, or the name of a variable that holds it. */
  key: string | null;
  openai: string;
  anthropic: string;
  /** Whether the answer is to come bit by bit. */
  streams: boolean;
}

interface Snippet {
  /** As its own documentation writes it; the same in every language. */
  name: string;
  /** Not a program but a tool to set up. */
  isTool?: boolean;
  /** Whether it can also take the answer bit by bit. */
  canStream?: boolean;
  code: (wish: Wish) => string;
}

const VARIABLE = 'AIDUET_API_KEY';
const shell = (key: string | null) => key ?? `$${VARIABLE}`;
const python = (key: string | null) => (key ? `"${key}"` : `os.environ["${VARIABLE}"]`);
const node = (key: string | null) => (key ? `"${key}"` : `process.env.${VARIABLE}`);

/** A program that is a file of its own, with the reader's address, model and key. `needed` is what only the variable needs. */
function program(file: string, variable: string, needed = ''): Snippet['code'] {
  return ({ origin, key, openai }) => {
    const code = file.trim().replace('http://127.0.0.1:8080', origin).replace('gpt-5.4-mini', openai);
    return key ? code.replace(needed, '').replace(variable, `"${key}"`) : code;
  };
}

export const SNIPPETS: Record<string, Snippet> = {
  curl: {
    name: 'curl',
    canStream: true,
    code: ({ origin, key, openai, streams }) => `curl ${streams ? '-N ' : ''}${origin}/v1/chat/completions \\
  -H "Authorization: Bearer ${shell(key)}" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${openai}",${streams ? '\n    "stream": true,' : ''}
    "messages": [{"role": "user", "content": "Hello"}]
  }'`,
  },
  'curl-anthropic': {
    name: 'curl · Messages',
    canStream: true,
    code: ({ origin, key, anthropic, streams }) => `curl ${streams ? '-N ' : ''}${origin}/v1/messages \\
  -H "x-api-key: ${shell(key)}" \\
  -H "anthropic-version: 2023-06-01" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${anthropic}",
    "max_tokens": 256,${streams ? '\n    "stream": true,' : ''}
    "messages": [{"role": "user", "content": "Hello"}]
  }'`,
  },
  'python-openai': {
    name: 'Python · openai',
    canStream: true,
    code: ({ origin, key, openai, streams }) => `${key ? '' : 'import os\n'}from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=${python(key)})
answer = client.chat.completions.create(
    model="${openai}",
    messages=[{"role": "user", "content": "Hello"}],${streams ? '\n    stream=True,' : ''}
)
${streams ? 'for chunk in answer:\n    for choice in chunk.choices:\n        print(choice.delta.content or "", end="", flush=True)' : 'print(answer.choices[0].message.content)'}`,
  },
  'python-anthropic': {
    name: 'Python · anthropic',
    canStream: true,
    code: ({ origin, key, anthropic, streams }) => `${key ? '' : 'import os\n'}from anthropic import Anthropic

client = Anthropic(base_url="${origin}", api_key=${python(key)})
${streams ? 'with client.messages.stream(' : 'message = client.messages.create('}
    model="${anthropic}",
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello"}],
${streams ? ') as stream:\n    for text in stream.text_stream:\n        print(text, end="", flush=True)' : ')\nprint(message.content[0].text)'}`,
  },
  'node-openai': {
    name: 'TypeScript · openai',
    canStream: true,
    code: ({ origin, key, openai, streams }) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${origin}/v1", apiKey: ${node(key)} });
const answer = await client.chat.completions.create({
  model: "${openai}",
  messages: [{ role: "user", content: "Hello" }],${streams ? '\n  stream: true,' : ''}
});
${streams ? 'for await (const chunk of answer) process.stdout.write(chunk.choices[0]?.delta.content ?? "");' : 'console.log(answer.choices[0].message.content);'}`,
  },
  'node-anthropic': {
    name: 'TypeScript · anthropic',
    canStream: true,
    code: ({ origin, key, anthropic, streams }) => `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "${origin}", apiKey: ${node(key)} });
const message = ${streams ? 'client.messages.stream' : 'await client.messages.create'}({
  model: "${anthropic}",
  max_tokens: 256,
  messages: [{ role: "user", content: "Hello" }],
});
${streams ? 'message.on("text", (text) => process.stdout.write(text));\nawait message.finalMessage();' : 'console.log(message.content);'}`,
  },
  go: { name: 'Go', code: program(go, `os.Getenv("${VARIABLE}")`, '\t"os"\n') },
  // It is compiled and run in aiduet-hyper/tests/it.
  rust: { name: 'Rust', code: program(rust, `&std::env::var("${VARIABLE}")?`) },
  java: { name: 'Java', code: program(java, `System.getenv("${VARIABLE}")`) },
  php: { name: 'PHP', code: program(php, `getenv('${VARIABLE}')`) },
  'claude-code': {
    name: 'Claude Code',
    isTool: true,
    code: ({ origin, key, anthropic }) => `export ANTHROPIC_BASE_URL="${origin}"
export ANTHROPIC_AUTH_TOKEN="${shell(key)}"
export ANTHROPIC_MODEL="${anthropic}"
claude`,
  },
  codex: {
    name: 'Codex CLI',
    isTool: true,
    code: ({ origin, key, openai }) => `# ~/.codex/config.toml
model = "${openai}"
model_provider = "aiduet"

[model_providers.aiduet]
name = "AI Duet"
base_url = "${origin}/v1"
env_key = "${VARIABLE}"
wire_api = "responses"

# ${key ? `export ${VARIABLE}="${key}"` : `export ${VARIABLE}=…`}`,
  },
  cursor: {
    name: 'Cursor',
    isTool: true,
    code: ({ origin, key, openai }) => `Cursor Settings › Models › API Keys

OpenAI API Key              ${shell(key)}
Override OpenAI Base URL    ${origin}/v1
Add custom model            ${openai}`,
  },
  cline: {
    name: 'Cline',
    isTool: true,
    code: ({ origin, key, openai }) => `Settings › API Configuration

API Provider    OpenAI Compatible
Base URL        ${origin}/v1
API Key         ${shell(key)}
Model ID        ${openai}`,
  },
  continue: {
    name: 'Continue',
    isTool: true,
    code: ({ origin, key, openai }) => `# ~/.continue/config.yaml
name: AI Duet
version: 1.0.0
schema: v1
models:
  - name: ${openai}
    provider: openai
    model: ${openai}
    apiBase: ${origin}/v1
    apiKey: ${key ?? `\${{ secrets.${VARIABLE} }}`}`,
  },
  'open-webui': {
    name: 'Open WebUI',
    isTool: true,
    code: ({ origin, key }) => `docker run -d -p 3000:8080 -v open-webui:/app/backend/data \\
  -e OPENAI_API_BASE_URL="${origin}/v1" \\
  -e OPENAI_API_KEY="${shell(key)}" \\
  ghcr.io/open-webui/open-webui:main`,
  },
  lobechat: {
    name: 'LobeChat',
    isTool: true,
    code: ({ origin, key, openai }) => `docker run -d -p 3210:3210 \\
  -e OPENAI_PROXY_URL="${origin}/v1" \\
  -e OPENAI_API_KEY="${shell(key)}" \\
  -e OPENAI_MODEL_LIST="+${openai}" \\
  lobehub/lobe-chat`,
  },
  'cherry-studio': {
    name: 'Cherry Studio',
    isTool: true,
    code: ({ origin, key, openai }) => `Settings › Model Provider › Add

Provider Type    OpenAI
API Key          ${shell(key)}
API Host         ${origin}
Model ID         ${openai}`,
  },
  langchain: {
    name: 'LangChain',
    isTool: true,
    code: ({ origin, key, openai }) => `${key ? '' : 'import os\n'}from langchain_openai import ChatOpenAI

model = ChatOpenAI(base_url="${origin}/v1", api_key=${python(key)}, model="${openai}")
print(model.invoke("Hello").content)`,
  },
  llamaindex: {
    name: 'LlamaIndex',
    isTool: true,
    code: ({ origin, key, openai }) => `${key ? '' : 'import os\n'}from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(api_base="${origin}/v1", api_key=${python(key)}, model="${openai}", is_chat_model=True)
print(model.complete("Hello"))`,
  },
};
