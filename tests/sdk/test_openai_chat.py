"""Chat completions with the official Python SDK of OpenAI."""

from __future__ import annotations

import json

import openai
import pytest
from conftest import Books
from openai.types.chat import ChatCompletionToolParam
from pydantic import BaseModel

from harness import receipt

MODEL = "gpt-4.1-mini"

TIME: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "time", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}},
}
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a town",
        "parameters": {
            "type": "object",
            "properties": {"town": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["town", "days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


def test_a_completion_is_answered_and_billed(gpt: openai.OpenAI, books: Books) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": "Say something."}]
    )
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage and answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens

    told = raw.headers
    bill = books.receipt(raw.request_id)
    assert told["x-aiduet-model"] == bill["model"] == MODEL
    assert told["x-aiduet-provider"] == bill["provider"] == "openai"
    assert told["x-aiduet-cost"] == bill["cost"]
    assert receipt.nanos(told["x-aiduet-cost"]) > 0
    assert receipt.nanos(told["x-aiduet-balance"]) == books.balance()["available"]
    assert bill["outcome"] == "completed"
    assert bill["tokens"]["output"] == answer.usage.completion_tokens


def test_the_rates_on_a_receipt_are_the_published_ones(gpt: openai.OpenAI, books: Books) -> None:
    raw = gpt.chat.completions.with_raw_response.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
    published = gpt.models.retrieve(MODEL).model_extra["pricing"]
    bill = books.receipt(raw.request_id)["bill"]
    assert bill["price_version"] == published["version"]
    for line in bill["line_items"]:
        assert line["rate_pico"] == published[line["class"]]


def test_a_stream_without_usage_has_no_usage_chunk(gpt: openai.OpenAI, books: Books) -> None:
    text = ""
    with gpt.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
    ) as chunks:
        for chunk in chunks:
            assert chunk.choices and chunk.usage is None
            text += chunk.choices[0].delta.content or ""
    assert text
    assert books.receipts()[0]["outcome"] == "completed"


def test_a_stream_with_usage_tells_its_cost(gpt: openai.OpenAI, books: Books) -> None:
    chunks = list(
        gpt.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    last = chunks[-1]
    assert last.choices == [] and last.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])
    bill = books.receipts()[0]
    assert str(last.usage.model_extra["cost"]) in (bill["cost"], str(float(bill["cost"])))
    assert bill["streamed"] is True


def test_the_stream_helper_builds_the_whole_answer(gpt: openai.OpenAI) -> None:
    with gpt.chat.completions.stream(model=MODEL, messages=[{"role": "user", "content": "Hello"}]) as stream:
        kinds = {event.type for event in stream}
        whole = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert whole.choices[0].message.content


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_and_their_results_are_used(gpt: openai.OpenAI, streamed: bool) -> None:
    messages: list[object] = [{"role": "user", "content": "How is the weather?"}]
    if streamed:
        with gpt.chat.completions.stream(
            model=MODEL, messages=messages, tools=[WEATHER, TIME], tool_choice="required"
        ) as stream:
            stream.until_done()
            choice = stream.get_final_completion().choices[0]
    else:
        choice = gpt.chat.completions.create(
            model=MODEL, messages=messages, tools=[WEATHER, TIME], tool_choice="required"
        ).choices[0]
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls or []
    assert len(calls) == 2 and len({call.id for call in calls}) == 2
    messages.append(choice.message.model_dump(exclude_none=True, exclude={"parsed"}))
    for call in calls:
        arguments = json.loads(call.function.arguments)
        if call.function.name == "weather":
            assert isinstance(arguments["town"], str) and isinstance(arguments["days"], int)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    final = gpt.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER, TIME])
    assert final.choices[0].finish_reason == "stop"
    assert final.choices[0].message.content


def test_a_named_tool_is_called_alone(gpt: openai.OpenAI) -> None:
    choice = gpt.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Weather?"}],
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
    ).choices[0]
    assert [call.function.name for call in choice.message.tool_calls or []] == ["weather"]


class Town(BaseModel):
    name: str
    people: int


def test_structured_output_is_parsed(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "A town, please."}], response_format=Town
    )
    assert isinstance(answer.choices[0].message.parsed, Town)


def test_several_choices_are_billed_together(gpt: openai.OpenAI, books: Books) -> None:
    answer = gpt.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}], n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert answer.usage
    assert books.receipts()[0]["tokens"]["output"] == answer.usage.completion_tokens


def test_the_output_limit_ends_an_answer(gpt: openai.OpenAI, books: Books) -> None:
    answer = gpt.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Tell me much. simulate:chunks=200"}],
        max_completion_tokens=8,
    )
    assert answer.choices[0].finish_reason == "length"
    assert books.receipts()[0]["finish_reason"] == "length"


def test_reasoning_is_part_of_the_output(gpt: openai.OpenAI, books: Books) -> None:
    answer = gpt.chat.completions.create(
        model="gpt-5.2", messages=[{"role": "user", "content": "Think."}], reasoning_effort="high"
    )
    usage = answer.usage
    assert usage and usage.completion_tokens_details
    reasoning = usage.completion_tokens_details.reasoning_tokens or 0
    assert 0 < reasoning < usage.completion_tokens
    bill = books.receipts()[0]
    assert bill["reasoning_tokens"] == reasoning
    assert bill["tokens"]["output"] == usage.completion_tokens


def test_leaving_in_mid_stream_is_charged_and_releases_the_hold(gpt: openai.OpenAI, books: Books) -> None:
    stream = gpt.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Tell me much. simulate:chunks=60 simulate:slow=20ms"}],
        stream=True,
    )
    seen = [next(iter(stream)) for _ in range(3)]
    assert len(seen) == 3
    assert books.balance()["held"] > 0
    stream.close()
    books.when_settled()
    bill = books.receipts()[0]
    assert bill["outcome"] == "client_disconnected"
    assert bill["cost_nano"] > 0
    assert bill["tokens"]["output"] >= 60


def test_a_query_changes_nothing(books: Books) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    answer = books.gateway.client(books.customer.key).post("/v1/chat/completions?beta=true", body)
    assert answer.status == 200
    books.wire.requests.append(answer.headers["x-request-id"])
