// The official Node SDKs, each on a model of its own vendor and of the other one. Run by
// test_node_sdks.py, which gives the address of a gateway and a key; ends with a failure if
// anything is not as the SDK's types promise.
import assert from "node:assert/strict";
import test from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const { AIDUET_URL: url, AIDUET_API_KEY: apiKey } = process.env;
const gpt = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const claude = new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });

const MODELS = ["claude-sonnet-4-5", "gpt-5.4-mini"];
const schema = { type: "object", properties: { town: { type: "string" } }, required: ["town"] };
const names = ["weather", "time"];
const user = (content) => [{ role: "user", content }];
// A white dot.
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC";

for (const model of MODELS) {
  test(`Chat Completions on ${model}`, async (t) => {
    await t.test("text", async () => {
      const answer = await gpt.chat.completions.create({ model, messages: user("Hello") });
      assert.ok(answer.choices[0].message.content);
      assert.equal(answer.choices[0].finish_reason, "stop");
      assert.ok(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0);
    });

    await t.test("the stream helper", async () => {
      let text = "";
      const stream = gpt.chat.completions.stream({ model, messages: user("Hello") });
      stream.on("content", (delta) => (text += delta));
      assert.equal(await stream.finalContent(), text);
      assert.ok(text);
    });

    await t.test("tools in parallel, and their results", async () => {
      const tools = names.map((name) => ({ type: "function", function: { name, parameters: schema } }));
      const messages = user("Weather and time?");
      const first = await gpt.chat.completions
        .stream({ model, messages, tools, tool_choice: "required" })
        .finalChatCompletion();
      const { message, finish_reason } = first.choices[0];
      assert.equal(finish_reason, "tool_calls");
      assert.deepEqual(message.tool_calls.map((call) => call.function.name).sort(), [...names].sort());
      messages.push(message);
      for (const call of message.tool_calls) {
        assert.equal(typeof JSON.parse(call.function.arguments).town, "string");
        messages.push({ role: "tool", tool_call_id: call.id, content: "fine" });
      }
      const final = await gpt.chat.completions.create({ model, messages, tools });
      assert.equal(final.choices[0].finish_reason, "stop");
    });

    await t.test("an image", async () => {
      const image_url = { url: `data:image/png;base64,${png}` };
      const content = [{ type: "text", text: "What is it?" }, { type: "image_url", image_url }];
      const answer = await gpt.chat.completions.create({ model, messages: user(content) });
      assert.ok(answer.choices[0].message.content);
    });

    await t.test("errors", async () => {
      for (const [status, error] of [
        [400, OpenAI.BadRequestError],
        [429, OpenAI.RateLimitError],
        [500, OpenAI.InternalServerError],
      ]) {
        await assert.rejects(gpt.chat.completions.create({ model, messages: user(`simulate:status=${status}`) }), error);
      }
    });
  });

  test(`Responses on ${model}`, async (t) => {
    await t.test("the stream ends with its terminal event", async () => {
      const kinds = [];
      for await (const event of await gpt.responses.create({ model, input: "Hello", stream: true })) {
        kinds.push(event.type);
      }
      assert.equal(kinds[0], "response.created");
      assert.equal(kinds.at(-1), "response.completed");
    });

    await t.test("a tool, its result, and reasoning that is carried along", async () => {
      const tools = [{ type: "function", name: "weather", parameters: schema, strict: false }];
      const more = { model, tools, reasoning: { effort: "low" }, include: ["reasoning.encrypted_content"] };
      const input = user("Weather?");
      const first = await gpt.responses.create({ input, ...more });
      const call = first.output.find((item) => item.type === "function_call");
      assert.equal(typeof JSON.parse(call.arguments).town, "string");
      input.push(...first.output, { type: "function_call_output", call_id: call.call_id, output: "sunny" });
      const final = await gpt.responses.create({ input, ...more });
      assert.ok(final.output_text);
    });
  });

  test(`Messages on ${model}`, async (t) => {
    const ask = (content, more) => ({ model, max_tokens: 2000, messages: user(content), ...more });

    await t.test("text", async () => {
      const answer = await claude.messages.create(ask("Hello"));
      assert.equal(answer.stop_reason, "end_turn");
      assert.ok(answer.content.at(-1).text);
      assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
    });

    await t.test("the stream helper", async () => {
      let text = "";
      const stream = claude.messages.stream(ask("Hello")).on("text", (delta) => (text += delta));
      assert.equal((await stream.finalMessage()).content.at(-1).text, text);
      assert.ok(text);
    });

    await t.test("tools in parallel, and their results", async () => {
      const tools = names.map((name) => ({ name, input_schema: schema }));
      const request = ask("Weather and time?", { tools });
      const first = await claude.messages.stream({ ...request, tool_choice: { type: "any" } }).finalMessage();
      assert.equal(first.stop_reason, "tool_use");
      const calls = first.content.filter((block) => block.type === "tool_use");
      assert.deepEqual(calls.map((call) => call.name).sort(), [...names].sort());
      const results = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "fine" }));
      request.messages.push({ role: "assistant", content: first.content }, { role: "user", content: results });
      assert.equal((await claude.messages.create(request)).stop_reason, "end_turn");
    });

    await t.test("thinking that is shown and replayed", async () => {
      const request = ask("Think.", { thinking: { type: "enabled", budget_tokens: 1024 } });
      const first = await claude.messages.stream(request).finalMessage();
      assert.equal(first.content[0].type, "thinking");
      assert.ok(first.content[0].signature);
      request.messages.push({ role: "assistant", content: first.content }, ...user("And?"));
      assert.equal((await claude.messages.create(request)).stop_reason, "end_turn");
    });

    await t.test("errors", async () => {
      for (const [status, error] of [
        [400, Anthropic.BadRequestError],
        [429, Anthropic.RateLimitError],
        [500, Anthropic.InternalServerError],
      ]) {
        await assert.rejects(claude.messages.create(ask(`simulate:status=${status}`)), error);
      }
    });
  });
}
