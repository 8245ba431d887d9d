"""Official Python SDKs that leave the model to the gateway."""

from __future__ import annotations

import anthropic
import openai
import pytest
from conftest import Books

PLAN = "Draft a migration plan with phases and a rollback strategy: should we move the API to Kubernetes?"
CODE = "Write a Rust function that parses a CSV file."
PLANNED = ("plan", "claude-opus-5-5", "anthropic")
CODED = ("code", "gpt-6.1-sol", "openai")

TEXTS = pytest.mark.parametrize(("text", "expected"), [(PLAN, PLANNED), (CODE, CODED)], ids=["plan", "code"])


def told(headers: object) -> tuple[str, str, str]:
    """Role, model and provider, as the headers tell them."""
    assert headers["x-aiduet-reason"].isascii() and len(headers["x-aiduet-reason"]) <= 256
    return headers["x-aiduet-role"], headers["x-aiduet-model"], headers["x-aiduet-provider"]


def receipt_says(books: Books, expected: tuple[str, str, str]) -> None:
    bill = books.receipts()[-1]
    assert (bill["role"], bill["model"], bill["provider"]) == expected
    assert bill["cost_nano"] > 0


@TEXTS
def test_chat_completions(gpt: openai.OpenAI, books: Books, text: str, expected: tuple[str, str, str]) -> None:
    raw = gpt.chat.completions.with_raw_response.create(model="duet", messages=[{"role": "user", "content": text}])
    answer = raw.parse()
    assert told(raw.headers) == expected
    assert answer.model == expected[1] and answer.choices[0].message.content
    receipt_says(books, expected)


@TEXTS
def test_responses_as_a_stream(gpt: openai.OpenAI, books: Books, text: str, expected: tuple[str, str, str]) -> None:
    with gpt.responses.with_streaming_response.create(model="duet", input=text, stream=True) as raw:
        assert told(raw.headers) == expected
        last = list(raw.parse())[-1]
    assert last.type == "response.completed" and last.response.model == expected[1]
    receipt_says(books, expected)


@TEXTS
def test_messages(claude: anthropic.Anthropic, books: Books, text: str, expected: tuple[str, str, str]) -> None:
    raw = claude.messages.with_raw_response.create(
        model="duet", max_tokens=300, messages=[{"role": "user", "content": text}]
    )
    answer = raw.parse()
    assert told(raw.headers) == expected
    assert answer.model == expected[1] and answer.content
    receipt_says(books, expected)


@TEXTS
def test_messages_as_a_stream(
    claude: anthropic.Anthropic, books: Books, text: str, expected: tuple[str, str, str]
) -> None:
    with claude.messages.stream(
        model="duet", max_tokens=300, messages=[{"role": "user", "content": text}]
    ) as stream:
        assert told(stream.response.headers) == expected
        assert "".join(stream.text_stream)
        assert stream.get_final_message().model == expected[1]
    receipt_says(books, expected)


def test_a_role_by_name_and_by_header(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    chat = gpt.chat.completions.with_raw_response.create(
        model="duet/plan", messages=[{"role": "user", "content": CODE}]
    )
    assert told(chat.headers) == PLANNED
    message = claude.messages.with_raw_response.create(
        model="duet",
        max_tokens=300,
        messages=[{"role": "user", "content": CODE}],
        extra_headers={"x-aiduet-role": "plan"},
    )
    assert told(message.headers) == PLANNED
    with pytest.raises(openai.NotFoundError):
        gpt.chat.completions.create(model="duet/cook", messages=[{"role": "user", "content": CODE}])
    with pytest.raises(openai.BadRequestError) as refused:
        gpt.responses.create(model="duet", input=CODE, extra_headers={"x-aiduet-role": "cook"})
    assert "background" in refused.value.message


def test_the_duet_is_listed_and_tokens_are_counted_for_its_choice(
    gpt: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    names = {"duet", "duet/plan", "duet/code", "duet/review"}
    assert names <= {model.id for model in gpt.models.list()}
    assert names <= {model.id for model in claude.models.list(limit=1000)}
    count = claude.messages.with_raw_response.count_tokens(
        model="duet", messages=[{"role": "user", "content": PLAN}]
    )
    assert told(count.headers) == PLANNED and count.parse().input_tokens > 5
