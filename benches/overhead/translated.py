"""What translation adds to the processor time of a call over sockets.

    python benches/overhead/translated.py [seconds per measurement]

The same question to the same model, from a client of the model's own dialect and from one of the other, in
turns, through the gateway of `run.py`. Prints a table for benches/README.md.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from run import CHUNKS, built, gateway_before, measure, request, seconds_asked, simulated_provider

ROUNDS = 5
TURNS = 20
OUTPUT_TOKENS = 512
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind. " * 4
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
PATHS = {"Chat Completions": "/v1/chat/completions", "Responses": "/v1/responses", "Messages": "/v1/messages"}
PAIRS = [
    ("Messages", "Chat Completions", "claude-sonnet-4-6"),
    ("Messages", "Responses", "claude-sonnet-4-6"),
    ("Chat Completions", "Messages", "gpt-5.4-mini"),
]

Body = dict[str, object]


def request_of(dialect: str, messages: list[Body], **fields: object) -> Body:
    if dialect == "Responses":
        return {"max_output_tokens": OUTPUT_TOKENS, "input": messages} | fields
    return {"max_tokens": OUTPUT_TOKENS, "messages": messages} | fields


def question(dialect: str, text: str = "Hello", **fields: object) -> Body:
    return request_of(dialect, [{"role": "user", "content": text}], **fields)


def conversation(dialect: str) -> Body:
    """That of a coding agent: a tool, and turns that call it."""
    described = {"name": "read_file", "description": "Reads a file"}
    arguments = '{"path": "src/main.rs"}'
    tool: Body
    turns: Callable[[str], Iterator[Body]]
    match dialect:
        case "Messages":
            tool = described | {"input_schema": SCHEMA}

            def turns(name: str) -> Iterator[Body]:
                use = {"type": "tool_use", "id": name, "name": "read_file", "input": {"path": "src/main.rs"}}
                yield {"role": "assistant", "content": [{"type": "text", "text": "Looking."}, use]}
                yield {"role": "user", "content": [{"type": "tool_result", "tool_use_id": name, "content": TEXT}]}
        case "Responses":
            tool = described | {"type": "function", "parameters": SCHEMA, "strict": False}

            def turns(name: str) -> Iterator[Body]:
                yield {"role": "assistant", "content": "Looking."}
                yield {"type": "function_call", "call_id": name, "name": "read_file", "arguments": arguments}
                yield {"type": "function_call_output", "call_id": name, "output": TEXT}
        case _:
            tool = {"type": "function", "function": described | {"parameters": SCHEMA}}

            def turns(name: str) -> Iterator[Body]:
                call = {"id": name, "type": "function", "function": {"name": "read_file", "arguments": arguments}}
                yield {"role": "assistant", "content": "Looking.", "tool_calls": [call]}
                yield {"role": "tool", "tool_call_id": name, "content": TEXT}

    messages: list[Body] = []
    for turn in range(TURNS):
        messages.append({"role": "user", "content": TEXT})
        messages.extend(turns(f"call_{turn}"))
    return request_of(dialect, messages, tools=[tool])


def loads() -> Iterator[tuple[str, Callable[[str], Body]]]:
    yield "a question", question
    yield "4 KiB of text", lambda dialect: question(dialect, TEXT * 14)
    yield "a conversation with tools, 17 KiB", conversation
    stream = f"simulate:chunks={CHUNKS}"
    yield f"a stream of {CHUNKS} chunks", lambda dialect: question(dialect, stream, stream=True)


def main() -> None:
    seconds, release = seconds_asked(), built()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aiduet-bench-")))
        upstream, _process = simulated_provider(stack, release)
        gateway = gateway_before(stack, release, place, upstream)
        print("| Call | same dialect, CPU µs | translated | more | rounds |", flush=True)
        print("|---|---|---|---|---|")
        for name, body in loads():
            for own, other, model in PAIRS:
                calls = [request(gateway, body(side) | {"model": model}, PATHS[side]) for side in (own, other)]
                found = [
                    [measure(release / "load", gateway, call, 0, seconds).cpu_us for call in calls]
                    for _ in range(ROUNDS)
                ]
                same, translated = (statistics.median(side) for side in zip(*found, strict=True))
                ratios = sorted(second / first - 1 for first, second in found)
                print(
                    f"| {name}, {other} to {model} | {same:.0f} | {translated:.0f} | "
                    f"{translated / same - 1:.0%} | {ratios[0]:.0%} to {ratios[-1]:.0%} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
