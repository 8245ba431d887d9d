"""Official Python SDKs that get plan, code and review in one answer."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest
from conftest import Books, kept

from harness.gateway import Gateway

CODE = "Write a Rust function that parses a CSV file."
HEADINGS = ["## Plan", "## Code", "## Review"]
STAGES = [("plan", "claude-opus-5-5"), ("code", "gpt-6.1-sol"), ("review", "claude-opus-5-5")]
LIMIT = 4_000


@pytest.fixture
def books(server: Gateway) -> Iterator[Books]:
    yield from kept(server, "--duet", '{"ensemble":true}')


def check(books: Books, headers: object, text: str, usage: object) -> None:
    """Says everything under its heading, and what the answer tells is what the receipt says."""
    assert headers["x-aiduet-role"] == "ensemble"
    assert headers["x-aiduet-reason"] == "rule=override.alias; model=role; plan=role; review=role"
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    (bill,) = books.receipts()
    assert [(stage["stage"], stage["model"]) for stage in bill["bill"]["stages"]] == STAGES
    assert [(stage["stage"], stage["model"]) for stage in usage.stages] == STAGES
    assert sum(stage["output_tokens"] for stage in usage.stages) == bill["tokens"]["output"]
    assert bill["role"] == "ensemble" and bill["outcome"] == "completed"


def test_chat_completions(gpt: openai.OpenAI, books: Books) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model="duet/ensemble", max_completion_tokens=LIMIT, messages=[{"role": "user", "content": CODE}]
    )
    answer = raw.parse()
    (choice,) = answer.choices
    assert choice.finish_reason == "stop" and answer.model == "gpt-6.1-sol"
    check(books, raw.headers, choice.message.content, answer.usage)
    assert answer.usage.completion_tokens == books.receipts()[-1]["tokens"]["output"]


def test_chat_completions_as_a_stream(gpt: openai.OpenAI, books: Books) -> None:
    with gpt.chat.completions.with_streaming_response.create(
        model="duet/ensemble",
        max_completion_tokens=LIMIT,
        messages=[{"role": "user", "content": CODE}],
        stream=True,
        stream_options={"include_usage": True},
    ) as raw:
        chunks = list(raw.parse())
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert len({chunk.id for chunk in chunks}) == 1
    check(books, raw.headers, text, chunks[-1].usage)


def test_responses(gpt: openai.OpenAI, books: Books) -> None:
    raw = gpt.responses.with_raw_response.create(model="duet/ensemble", max_output_tokens=LIMIT, input=CODE)
    answer = raw.parse()
    assert answer.status == "completed" and len(answer.output) == 1
    check(books, raw.headers, answer.output_text, answer.usage)


def test_responses_as_a_stream(gpt: openai.OpenAI, books: Books) -> None:
    with gpt.responses.with_streaming_response.create(
        model="duet/ensemble", max_output_tokens=LIMIT, input=CODE, stream=True
    ) as raw:
        events = list(raw.parse())
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last = events[-1]
    assert last.type == "response.completed" and last.response.output_text == text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    check(books, raw.headers, text, last.response.usage)


def test_messages(claude: anthropic.Anthropic, books: Books) -> None:
    raw = claude.messages.with_raw_response.create(
        model="duet/ensemble", max_tokens=LIMIT, messages=[{"role": "user", "content": CODE}]
    )
    answer = raw.parse()
    (block,) = answer.content
    assert answer.stop_reason == "end_turn"
    check(books, raw.headers, block.text, answer.usage)


def test_messages_as_a_stream(claude: anthropic.Anthropic, books: Books) -> None:
    with claude.messages.stream(
        model="duet/ensemble", max_tokens=LIMIT, messages=[{"role": "user", "content": CODE}]
    ) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == books.receipts()[-1]["tokens"]["output"]
    (bill,) = books.receipts()
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    assert [stage["stage"] for stage in bill["bill"]["stages"]] == ["plan", "code", "review"]


def test_the_quiet_manner(claude: anthropic.Anthropic, books: Books) -> None:
    answer = claude.messages.create(
        model="duet/ensemble",
        max_tokens=LIMIT,
        messages=[{"role": "user", "content": CODE}],
        extra_headers={"x-aiduet-ensemble": "answer"},
    )
    (block,) = answer.content
    assert "## " not in block.text
    (bill,) = books.receipts()
    assert [stage["stage"] for stage in bill["bill"]["stages"]] == ["plan", "code"]


def test_what_may_cost_too_much_is_refused(gpt: openai.OpenAI, claude: anthropic.Anthropic, books: Books) -> None:
    dear = {"x-aiduet-max-cost": "0.0001"}
    with pytest.raises(openai.APIStatusError) as refused:
        gpt.chat.completions.create(
            model="duet/ensemble", messages=[{"role": "user", "content": CODE}], extra_headers=dear
        )
    assert refused.value.status_code == 402
    with pytest.raises(anthropic.APIStatusError) as declined:
        claude.messages.create(
            model="duet/ensemble", max_tokens=LIMIT, messages=[{"role": "user", "content": CODE}], extra_headers=dear
        )
    assert declined.value.status_code == 402
    assert books.receipts() == [] and len(books.wire.statuses) == 2, "nothing was tried again"


def test_tools_are_refused(gpt: openai.OpenAI) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    with pytest.raises(openai.BadRequestError) as refused:
        gpt.responses.create(model="duet/ensemble", input=CODE, tools=[tool])
    assert refused.value.param == "tools"
