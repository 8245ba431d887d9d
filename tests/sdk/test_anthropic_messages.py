"""Messages with the official Python SDK of Anthropic."""

from __future__ import annotations

import json

import anthropic
import pytest
from anthropic.types import ToolParam
from conftest import Books

from harness import receipt

MODEL = "claude-haiku-4-5"

TIME: ToolParam = {"name": "time", "input_schema": {"type": "object", "properties": {}}}
WEATHER: ToolParam = {
    "name": "weather",
    "description": "The weather in a town",
    "input_schema": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
}


def user(text: str) -> list[anthropic.types.MessageParam]:
    return [{"role": "user", "content": text}]


def test_a_message_is_answered_and_billed(claude: anthropic.Anthropic, books: Books) -> None:
    raw = claude.messages.with_raw_response.create(model=MODEL, max_tokens=200, messages=user("Say something."))
    answer = raw.parse()
    assert answer.stop_reason == "end_turn"
    assert answer.content[0].type == "text" and answer.content[0].text
    told = raw.headers
    assert told["request-id"] == told["x-request-id"] == answer._request_id
    bill = books.receipt(told["request-id"])
    assert told["x-aiduet-cost"] == bill["cost"]
    assert receipt.nanos(told["x-aiduet-cost"]) > 0
    assert receipt.nanos(told["x-aiduet-balance"]) == books.balance()["available"]
    assert told["x-aiduet-model"] == MODEL and told["x-aiduet-provider"] == "anthropic"
    assert bill["tokens"]["output"] == answer.usage.output_tokens
    assert bill["tokens"]["input"] == answer.usage.input_tokens
    assert not [name for name in told if name.startswith("anthropic-")]


def test_both_kinds_of_credentials_are_taken(books: Books) -> None:
    body = {"model": MODEL, "max_tokens": 10, "messages": user("Hello")}
    version = {"anthropic-version": "2023-06-01"}
    for header in ({"x-api-key": books.customer.key}, {"authorization": f"Bearer {books.customer.key}"}):
        answer = books.gateway.client().post("/v1/messages", body, version | header)
        assert answer.status == 200, answer.body
        books.wire.requests.append(answer.headers["x-request-id"])


def test_events_come_in_the_order_of_the_protocol(claude: anthropic.Anthropic) -> None:
    kinds = [
        event.type for event in claude.messages.create(model=MODEL, max_tokens=200, messages=user("Hello"), stream=True)
    ]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.index("content_block_start") < kinds.index("content_block_delta") < kinds.index("content_block_stop")


def test_the_stream_helper_builds_the_whole_message(claude: anthropic.Anthropic, books: Books) -> None:
    with claude.messages.stream(model=MODEL, max_tokens=200, messages=user("Hello")) as stream:
        text = "".join(stream.text_stream)
        whole = stream.get_final_message()
    assert whole.content[0].type == "text" and whole.content[0].text == text
    bill = books.receipts()[0]
    assert bill["tokens"]["output"] == whole.usage.output_tokens
    assert bill["streamed"] is True and bill["outcome"] == "completed"


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_and_their_results_are_used(claude: anthropic.Anthropic, streamed: bool) -> None:
    messages = user("Weather?")
    tools = [WEATHER, TIME]
    ask = {"model": MODEL, "max_tokens": 500, "messages": messages, "tools": tools, "tool_choice": {"type": "any"}}
    if streamed:
        with claude.messages.stream(**ask) as stream:
            answer = stream.get_final_message()
    else:
        answer = claude.messages.create(**ask)
    assert answer.stop_reason == "tool_use"
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert len(calls) == 2
    assert [isinstance(call.input.get("town"), str) for call in calls] == [call.name == "weather" for call in calls]
    messages.append({"role": "assistant", "content": answer.content})
    messages.append(
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls],
        }
    )
    final = claude.messages.create(model=MODEL, max_tokens=500, messages=messages, tools=tools)
    assert final.stop_reason == "end_turn"


def test_a_single_tool_is_called_when_parallel_use_is_off(claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(
        model=MODEL,
        max_tokens=500,
        messages=user("Weather?"),
        tools=[WEATHER],
        tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
    )
    assert [block.name for block in answer.content if block.type == "tool_use"] == ["weather"]


def test_thinking_is_shown_and_can_be_replayed(claude: anthropic.Anthropic, books: Books) -> None:
    messages = user("Think first.")
    with claude.messages.stream(
        model=MODEL, max_tokens=4_000, messages=messages, thinking={"type": "enabled", "budget_tokens": 1_024}
    ) as stream:
        answer = stream.get_final_message()
    thought = answer.content[0]
    assert thought.type == "thinking" and thought.signature
    assert books.receipts()[0]["tokens"]["output"] == answer.usage.output_tokens
    messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": "And then?"}]
    again = claude.messages.create(
        model=MODEL, max_tokens=4_000, messages=messages, thinking={"type": "enabled", "budget_tokens": 1_024}
    )
    assert again.stop_reason == "end_turn"


def test_structured_output_follows_its_schema(claude: anthropic.Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["name", "people"],
        "additionalProperties": False,
    }
    answer = claude.messages.create(
        model=MODEL,
        max_tokens=500,
        messages=user("A town, please."),
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    town = json.loads(answer.content[0].text)
    assert isinstance(town["name"], str) and isinstance(town["people"], int)


def test_a_cached_prefix_is_written_once_and_read_afterwards(claude: anthropic.Anthropic, books: Books) -> None:
    system = [{"type": "text", "text": "Know this. " * 4_000, "cache_control": {"type": "ephemeral"}}]
    first = claude.messages.create(model=MODEL, max_tokens=50, system=system, messages=user("One"))
    second = claude.messages.create(model=MODEL, max_tokens=50, system=system, messages=user("Two"))
    written = first.usage.cache_creation_input_tokens
    assert written and second.usage.cache_read_input_tokens == written
    bills = books.receipts()
    assert bills[0]["tokens"]["cache_write_short"] == written
    assert bills[1]["tokens"]["cache_read"] == written
    assert bills[1]["cost_nano"] < bills[0]["cost_nano"]


def test_why_generation_ended_is_told(claude: anthropic.Anthropic, books: Books) -> None:
    ends = {
        "max_tokens": claude.messages.create(model=MODEL, max_tokens=5, messages=user("Much. simulate:chunks=99")),
        "refusal": claude.messages.create(model=MODEL, max_tokens=50, messages=user("No. simulate:refusal")),
        "stop_sequence": claude.messages.create(
            model=MODEL, max_tokens=50, messages=user("simulate:say=one two three"), stop_sequences=["two"]
        ),
    }
    for reason, answer in ends.items():
        assert answer.stop_reason == reason
    assert ends["stop_sequence"].stop_sequence == "two"


def test_tokens_are_counted_for_free(claude: anthropic.Anthropic, books: Books) -> None:
    few = claude.messages.count_tokens(model=MODEL, messages=user("Hello"))
    many = claude.messages.count_tokens(model=MODEL, messages=user("Hello, " * 100), system="Be brief.")
    assert 0 < few.input_tokens < many.input_tokens
    assert books.balance()["total_usage"] == 0


def test_models_are_listed_page_by_page(claude: anthropic.Anthropic) -> None:
    models = {model.id: model for model in claude.models.list(limit=5)}
    assert MODEL in models and len(models) > 5
    one = claude.models.retrieve(MODEL)
    assert one.id == MODEL and one.type == "model"
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("no-such-model")


def test_beta_features_pass(claude: anthropic.Anthropic) -> None:
    answer = claude.beta.messages.create(
        model=MODEL, max_tokens=50, messages=user("Hello"), betas=["interleaved-thinking-2025-05-14"]
    )
    assert answer.stop_reason == "end_turn"


def test_leaving_in_mid_stream_is_charged_and_releases_the_hold(claude: anthropic.Anthropic, books: Books) -> None:
    ask = user("Tell me much. simulate:chunks=60 simulate:slow=20ms")
    with claude.messages.stream(model=MODEL, max_tokens=1_000, messages=ask) as stream:
        next(iter(stream.text_stream))
        assert books.balance()["held"] > 0
    books.when_settled()
    bill = books.receipts()[0]
    assert bill["outcome"] == "client_disconnected"
    assert bill["cost_nano"] > 0
    assert bill["tokens"]["output"] >= 60
