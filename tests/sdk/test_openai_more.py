"""Responses, embeddings and models with the official Python SDK of OpenAI."""

from __future__ import annotations

import json

import openai
import pytest
from conftest import Books
from pydantic import BaseModel

MODEL = "gpt-5.2"

TIME: dict[str, object] = {
    "type": "function",
    "name": "time",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
}
WEATHER: dict[str, object] = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a town",
    "parameters": {
        "type": "object",
        "properties": {"town": {"type": "string"}},
        "required": ["town"],
        "additionalProperties": False,
    },
    "strict": True,
}


def test_a_response_is_answered_and_billed(gpt: openai.OpenAI, books: Books) -> None:
    raw = gpt.responses.with_raw_response.create(model=MODEL, input="Say something.", instructions="Be brief.")
    answer = raw.parse()
    assert answer.status == "completed" and answer.output_text and answer.usage
    assert raw.headers["x-aiduet-cost"] == books.receipt(raw.request_id)["cost"]
    bill = books.receipt(raw.request_id)
    assert bill["tokens"]["output"] == answer.usage.output_tokens
    assert answer.store is False


@pytest.mark.parametrize("model", [MODEL, "claude-haiku-4-5"])
def test_input_is_counted_before_it_is_sent(gpt: openai.OpenAI, books: Books, model: str) -> None:
    few = gpt.responses.input_tokens.count(model=model, input="Hello")
    many = gpt.responses.input_tokens.count(
        model=model, input=[{"role": "user", "content": "Hello, " * 100}], instructions="Be brief.", tools=[TIME]
    )
    assert few.object == many.object == "response.input_tokens"
    assert 0 < few.input_tokens < many.input_tokens
    with pytest.raises(openai.NotFoundError):
        gpt.responses.input_tokens.count(model="no-such-model", input="Hello")
    assert books.balance()["total_usage"] == 0


def test_the_stream_helper_gives_every_event_in_order(gpt: openai.OpenAI, books: Books) -> None:
    with gpt.responses.stream(model=MODEL, input="Say something.") as stream:
        events = list(stream)
        whole = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert "response.output_text.delta" in kinds
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(numbers)
    assert whole.output_text and whole.usage
    assert books.receipts()[0]["tokens"]["output"] == whole.usage.output_tokens


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_and_their_results_are_used(gpt: openai.OpenAI, streamed: bool) -> None:
    ask = [{"role": "user", "content": "Weather?"}]
    if streamed:
        with gpt.responses.stream(model=MODEL, input=ask, tools=[WEATHER, TIME], tool_choice="required") as stream:
            stream.until_done()
            answer = stream.get_final_response()
    else:
        answer = gpt.responses.create(model=MODEL, input=ask, tools=[WEATHER, TIME], tool_choice="required")
    calls = [item for item in answer.output if item.type == "function_call"]
    assert len(calls) == 2
    items: list[object] = list(ask)
    for call in calls:
        assert ("town" in json.loads(call.arguments)) == (call.name == "weather")
        items.append({"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments})
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    final = gpt.responses.create(model=MODEL, input=items, tools=[WEATHER, TIME])
    assert final.output_text


class Town(BaseModel):
    name: str
    people: int


def test_structured_output_is_parsed(gpt: openai.OpenAI) -> None:
    answer = gpt.responses.parse(model=MODEL, input="A town, please.", text_format=Town)
    assert isinstance(answer.output_parsed, Town)


def test_the_output_limit_makes_a_response_incomplete(gpt: openai.OpenAI, books: Books) -> None:
    answer = gpt.responses.create(model="gpt-4.1", input="Much. simulate:chunks=200", max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details and answer.incomplete_details.reason == "max_output_tokens"
    assert books.receipts()[0]["finish_reason"] == "length"


def test_state_that_would_be_kept_upstream_is_refused(gpt: openai.OpenAI, books: Books) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.responses.create(model=MODEL, input="Hello", previous_response_id="resp_1")
    assert caught.value.code == "unsupported_parameter"
    assert books.wire.statuses == [400]


@pytest.mark.parametrize("encoding", ["base64", "float"])
def test_embeddings_are_made_and_billed(gpt: openai.OpenAI, books: Books, encoding: str) -> None:
    raw = gpt.embeddings.with_raw_response.create(
        model="text-embedding-3-small", input=["one", "two words"], dimensions=64, encoding_format=encoding
    )
    answer = raw.parse()
    assert [item.index for item in answer.data] == [0, 1]
    if encoding == "float":
        assert all(len(item.embedding) == 64 for item in answer.data)
    bill = books.receipt(raw.request_id)
    assert bill["tokens"]["input"] == answer.usage.prompt_tokens > 0
    assert bill["tokens"]["output"] == 0


def test_embeddings_are_decoded_unasked(gpt: openai.OpenAI) -> None:
    answer = gpt.embeddings.create(model="text-embedding-3-small", input="one")
    assert len(answer.data[0].embedding) == 1_536
    assert all(isinstance(number, float) for number in answer.data[0].embedding[:5])


def test_models_are_listed_with_prices(gpt: openai.OpenAI, books: Books) -> None:
    models = {model.id: model for model in gpt.models.list()}
    assert {MODEL, "claude-haiku-5-5", "text-embedding-3-small"} <= models.keys()
    one = gpt.models.retrieve(MODEL)
    assert one == models[MODEL]
    assert one.owned_by == "openai"
    assert one.model_extra["pricing"]["unit"] == "pico_usd_per_token"
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("no-such-model")
    assert books.balance()["total_usage"] == 0
