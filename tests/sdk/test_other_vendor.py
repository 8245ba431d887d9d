"""Each official Python SDK calls the other vendor's models."""

from __future__ import annotations

import base64
import json
from typing import Any

import anthropic
import openai
import pytest
from conftest import Books
from pydantic import BaseModel

CLAUDE = "claude-sonnet-4-5"
GPT = "gpt-5.4-mini"

# A red dot.
PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
    )
).decode()


class Town(BaseModel):
    name: str
    people: int


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
    "additionalProperties": False,
}
TOOLS = {
    name: {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
    for name in ("weather", "time")
}


def billed(books: Books, model: str, provider: str) -> dict[str, Any]:
    """The receipt of the last call, which has to name who answered."""
    bill = books.receipts()[-1]
    assert (bill["model"], bill["provider"]) == (model, provider)
    assert bill["cost_nano"] > 0
    return bill


class TestClaudeForClientsOfOpenAi:
    """Chat Completions and Responses, answered by a Claude model."""

    def test_text(self, gpt: openai.OpenAI, books: Books) -> None:
        raw = gpt.chat.completions.with_raw_response.create(
            model=CLAUDE, messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
        )
        answer = raw.parse()
        assert answer.choices[0].message.content and answer.choices[0].finish_reason == "stop"
        assert (raw.headers["x-aiduet-model"], raw.headers["x-aiduet-provider"]) == (CLAUDE, "anthropic")
        bill = billed(books, CLAUDE, "anthropic")
        assert answer.usage and answer.usage.completion_tokens == bill["tokens"]["output"]
        assert answer.usage.prompt_tokens == bill["tokens"]["input"]

    def test_the_stream_helper(self, gpt: openai.OpenAI, books: Books) -> None:
        with gpt.chat.completions.stream(
            model=CLAUDE, messages=[{"role": "user", "content": "Hello"}], stream_options={"include_usage": True}
        ) as stream:
            text = "".join(event.delta for event in stream if event.type == "content.delta")
            whole = stream.get_final_completion()
        assert whole.choices[0].message.content == text != ""
        assert whole.usage and whole.usage.completion_tokens == billed(books, CLAUDE, "anthropic")["tokens"]["output"]

    @pytest.mark.parametrize("streamed", [False, True])
    def test_tools_in_parallel(self, gpt: openai.OpenAI, streamed: bool) -> None:
        tools: list[Any] = [
            {"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in TOOLS.items()
        ]
        messages: list[Any] = [{"role": "user", "content": "Weather and time in Kyoto?"}]
        ask: dict[str, Any] = {"model": CLAUDE, "messages": messages, "tools": tools, "tool_choice": "required"}
        if streamed:
            with gpt.chat.completions.stream(**ask) as stream:
                choice = stream.get_final_completion().choices[0]
        else:
            choice = gpt.chat.completions.create(**ask).choices[0]
        assert choice.finish_reason == "tool_calls"
        calls = choice.message.tool_calls or []
        assert {call.function.name for call in calls} == set(TOOLS) and len({call.id for call in calls}) == 2
        assert all(isinstance(json.loads(call.function.arguments)["town"], str) for call in calls)
        messages.append(choice.message.model_dump(exclude_none=True, exclude={"parsed"}))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in calls]
        final = gpt.chat.completions.create(model=CLAUDE, messages=messages, tools=tools)
        assert final.choices[0].finish_reason == "stop" and final.choices[0].message.content

    def test_an_image(self, gpt: openai.OpenAI) -> None:
        parts: list[Any] = [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ]
        answer = gpt.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": parts}])
        assert answer.choices[0].message.content

    def test_structured_output(self, gpt: openai.OpenAI) -> None:
        answer = gpt.chat.completions.parse(
            model=CLAUDE, messages=[{"role": "user", "content": "A town."}], response_format=Town
        )
        assert isinstance(answer.choices[0].message.parsed, Town)

    def test_reasoning(self, gpt: openai.OpenAI, books: Books) -> None:
        answer = gpt.chat.completions.create(
            model=CLAUDE, messages=[{"role": "user", "content": "Think."}], reasoning_effort="low"
        )
        assert answer.choices[0].message.content
        assert answer.choices[0].message.model_extra["reasoning_content"]
        assert billed(books, CLAUDE, "anthropic")["tokens"]["output"] == answer.usage.completion_tokens

    def test_why_it_ended(self, gpt: openai.OpenAI) -> None:
        def reason(text: str, **more: Any) -> str:
            messages: list[Any] = [{"role": "user", "content": text}]
            return gpt.chat.completions.create(model=CLAUDE, messages=messages, **more).choices[0].finish_reason

        assert reason("simulate:chunks=99", max_completion_tokens=16) == "length"
        assert reason("simulate:refusal") == "content_filter"
        assert reason("simulate:say=one two three", stop=["two"]) == "stop"

    def test_a_cached_prefix(self, gpt: openai.OpenAI) -> None:
        system: list[Any] = [
            {"type": "text", "text": "Know this. " * 4_000, "prompt_cache_breakpoint": {"mode": "explicit"}},
        ]

        def usage(text: str) -> Any:
            messages: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": text}]
            return gpt.chat.completions.create(model=CLAUDE, messages=messages).usage

        first, second = usage("One"), usage("Two")
        assert second.prompt_tokens_details.cached_tokens > 4_000
        assert first.prompt_tokens == second.prompt_tokens

    def test_responses(self, gpt: openai.OpenAI, books: Books) -> None:
        with gpt.responses.stream(model=CLAUDE, input="Hello", instructions="Be brief.") as stream:
            kinds = [event.type for event in stream]
            answer = stream.get_final_response()
        assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
        assert answer.output_text and answer.status == "completed"
        assert answer.usage and answer.usage.output_tokens == billed(books, CLAUDE, "anthropic")["tokens"]["output"]

    def test_responses_with_tools_and_reasoning(self, gpt: openai.OpenAI) -> None:
        tools: list[Any] = [{"type": "function", "name": "weather", "parameters": TOOLS["weather"], "strict": False}]
        ask: list[Any] = [{"role": "user", "content": "Weather?"}]
        include: list[Any] = ["reasoning.encrypted_content"]
        more: dict[str, Any] = {"model": CLAUDE, "tools": tools, "reasoning": {"effort": "low"}, "include": include}
        first = gpt.responses.create(input=ask, **more)
        call = next(item for item in first.output if item.type == "function_call")
        assert any(item.type == "reasoning" and item.encrypted_content for item in first.output)
        ask += first.output
        ask.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
        assert gpt.responses.create(input=ask, **more).output_text

    @pytest.mark.parametrize(
        ("status", "error"),
        [(400, openai.BadRequestError), (429, openai.RateLimitError), (500, openai.InternalServerError)],
    )
    def test_errors(self, gpt: openai.OpenAI, books: Books, status: int, error: type[openai.APIStatusError]) -> None:
        with pytest.raises(error):
            gpt.with_options(max_retries=0).chat.completions.create(
                model=CLAUDE, messages=[{"role": "user", "content": f"simulate:status={status}"}]
            )
        assert books.when_settled()["total_usage"] == 0

    def test_what_cannot_be_honoured_is_named(self, gpt: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError) as told:
            gpt.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": "Hello"}], n=2)
        assert told.value.param == "n"


class TestGptForClientsOfAnthropic:
    """Messages, answered by a GPT model."""

    def ask(self, text: str, **more: Any) -> dict[str, Any]:
        return {"model": GPT, "max_tokens": 2_000, "messages": [{"role": "user", "content": text}]} | more

    def test_text(self, claude: anthropic.Anthropic, books: Books) -> None:
        raw = claude.messages.with_raw_response.create(**self.ask("Hello", system="Be brief."))
        answer = raw.parse()
        assert answer.stop_reason == "end_turn" and answer.content[-1].type == "text"
        assert (raw.headers["x-aiduet-model"], raw.headers["x-aiduet-provider"]) == (GPT, "openai")
        bill = billed(books, GPT, "openai")
        assert answer.usage.output_tokens == bill["tokens"]["output"]
        assert answer.usage.input_tokens == bill["tokens"]["input"]

    def test_the_stream_helper(self, claude: anthropic.Anthropic, books: Books) -> None:
        with claude.messages.stream(**self.ask("Hello")) as stream:
            text = "".join(stream.text_stream)
            whole = stream.get_final_message()
        assert whole.content[-1].type == "text" and whole.content[-1].text == text != ""
        assert whole.usage.output_tokens == billed(books, GPT, "openai")["tokens"]["output"]

    @pytest.mark.parametrize("streamed", [False, True])
    def test_tools_in_parallel(self, claude: anthropic.Anthropic, streamed: bool) -> None:
        tools: list[Any] = [{"name": name, "input_schema": schema} for name, schema in TOOLS.items()]
        ask = self.ask("Weather and time in Kyoto?", tools=tools, tool_choice={"type": "any"})
        if streamed:
            with claude.messages.stream(**ask) as stream:
                answer = stream.get_final_message()
        else:
            answer = claude.messages.create(**ask)
        assert answer.stop_reason == "tool_use"
        calls = [block for block in answer.content if block.type == "tool_use"]
        assert {call.name for call in calls} == set(TOOLS) and len({call.id for call in calls}) == 2
        assert all(isinstance(call.input["town"], str) for call in calls)
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "fine"} for call in calls]
        ask["messages"] += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
        final = claude.messages.create(**ask | {"tool_choice": {"type": "auto"}})
        assert final.stop_reason == "end_turn"

    def test_an_image(self, claude: anthropic.Anthropic) -> None:
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        content: list[Any] = [{"type": "text", "text": "What is it?"}, {"type": "image", "source": source}]
        answer = claude.messages.create(**self.ask("") | {"messages": [{"role": "user", "content": content}]})
        assert answer.stop_reason == "end_turn"

    def test_structured_output(self, claude: anthropic.Anthropic) -> None:
        format_ = {"format": {"type": "json_schema", "schema": SCHEMA}}
        answer = claude.messages.create(**self.ask("A town.", output_config=format_))
        assert isinstance(Town.model_validate_json(answer.content[-1].text), Town)

    def test_thinking_is_shown_and_can_be_replayed(self, claude: anthropic.Anthropic) -> None:
        ask = self.ask("Think first.", thinking={"type": "enabled", "budget_tokens": 1_024})
        with claude.messages.stream(**ask) as stream:
            answer = stream.get_final_message()
        thought = answer.content[0]
        assert thought.type == "thinking" and thought.signature
        ask["messages"] += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": "And?"}]
        assert claude.messages.create(**ask).stop_reason == "end_turn"

    def test_why_it_ended(self, claude: anthropic.Anthropic) -> None:
        def reason(text: str, **more: Any) -> str | None:
            return claude.messages.create(**self.ask(text, **more)).stop_reason

        assert reason("simulate:chunks=999", max_tokens=60) == "max_tokens"
        assert reason("simulate:refusal") == "refusal"

    def test_a_cached_prefix(self, claude: anthropic.Anthropic) -> None:
        system = "Know this. " * 4_000
        claude.messages.create(**self.ask("One", system=system))
        second = claude.messages.create(**self.ask("Two", system=system))
        assert (second.usage.cache_read_input_tokens or 0) > 4_000

    def test_tokens_are_counted(self, claude: anthropic.Anthropic, books: Books) -> None:
        few = claude.messages.count_tokens(model=GPT, messages=[{"role": "user", "content": "Hello"}])
        many = claude.messages.count_tokens(model=GPT, messages=[{"role": "user", "content": "Hello, " * 100}])
        assert 0 < few.input_tokens < many.input_tokens
        assert books.balance()["total_usage"] == 0

    @pytest.mark.parametrize(
        ("status", "error"),
        [(400, anthropic.BadRequestError), (429, anthropic.RateLimitError), (500, anthropic.InternalServerError)],
    )
    def test_errors(
        self, claude: anthropic.Anthropic, books: Books, status: int, error: type[anthropic.APIStatusError]
    ) -> None:
        with pytest.raises(error):
            claude.with_options(max_retries=0).messages.create(**self.ask(f"simulate:status={status}"))
        assert books.when_settled()["total_usage"] == 0

    def test_an_error_in_mid_stream(self, claude: anthropic.Anthropic, books: Books) -> None:
        with (
            pytest.raises(anthropic.APIError),
            claude.messages.stream(**self.ask("simulate:chunks=20 simulate:error=5")) as stream,
        ):
            stream.get_final_message()
        assert billed(books, GPT, "openai")["outcome"] == "upstream_interrupted"
