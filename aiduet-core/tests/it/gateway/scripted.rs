//! Answers as the vendors write them, piece by piece.

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::Api;

fn unnamed(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn named(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    unnamed(&json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.6",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null,
    }))
}

fn response(status: &str, usage: Option<(u64, u64)>) -> Value {
    let usage = usage.map(|(input, output)| {
        json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output})
    });
    json!({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5.6", "status": status,
        "output": [], "usage": usage,
    })
}

/// Pieces of a stream.
impl Api {
    /// The first piece. Messages reports the prompt here.
    pub(super) fn opening(self, prompt_tokens: u64) -> Bytes {
        match self {
            Self::Chat => chunk(&json!({"role": "assistant", "content": ""}), None),
            Self::Responses => {
                let created = json!({
                    "type": "response.created", "sequence_number": 0, "response": response("in_progress", None),
                });
                let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": []});
                let added = json!({
                    "type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item,
                });
                named(&created) + &named(&added)
            }
            Self::Messages => {
                let message = json!({
                    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
                    "content": [], "stop_reason": null,
                    "usage": {"input_tokens": prompt_tokens, "output_tokens": 1},
                });
                let block = json!({"type": "text", "text": ""});
                named(&json!({"type": "message_start", "message": message}))
                    + &named(&json!({"type": "content_block_start", "index": 0, "content_block": block}))
            }
        }
        .into()
    }

    /// A piece of text: a token for four letters.
    pub(super) fn piece(self, text: &str) -> Bytes {
        match self {
            Self::Chat => chunk(&json!({"content": text}), None),
            Self::Responses => named(&json!({
                "type": "response.output_text.delta", "sequence_number": 2, "item_id": "msg_1",
                "output_index": 0, "content_index": 0, "delta": text,
            })),
            Self::Messages => named(&json!({
                "type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text},
            })),
        }
        .into()
    }

    /// A piece of so many tokens.
    pub(super) fn tokens(self, count: usize) -> Bytes {
        self.piece(&"word".repeat(count))
    }

    /// What comes before the last event. Messages reports the output here.
    pub(super) fn before_last(self, usage: (u64, u64)) -> Bytes {
        match self {
            Self::Chat => chunk(&json!({}), Some("stop")),
            Self::Responses => named(&json!({
                "type": "response.output_text.done", "sequence_number": 3, "item_id": "msg_1",
                "output_index": 0, "content_index": 0, "text": "",
            })),
            Self::Messages => {
                let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
                named(&json!({"type": "content_block_stop", "index": 0}))
                    + &named(&json!({
                        "type": "message_delta", "delta": delta, "usage": {"output_tokens": usage.1},
                    }))
            }
        }
        .into()
    }

    /// The last event, with the usage on Chat Completions and Responses.
    pub(super) fn last(self, usage: (u64, u64)) -> Bytes {
        let (input, output) = usage;
        match self {
            Self::Chat => {
                let chunk = json!({
                    "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.6",
                    "choices": [], "usage": {
                        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
                    },
                });
                unnamed(&chunk) + "data: [DONE]\n\n"
            }
            Self::Responses => named(&json!({
                "type": "response.completed", "sequence_number": 4, "response": response("completed", Some(usage)),
            })),
            Self::Messages => named(&json!({"type": "message_stop"})),
        }
        .into()
    }

    /// An answer that comes whole.
    pub(super) fn whole(self, text: &str, usage: (u64, u64)) -> Bytes {
        let (input, output) = usage;
        match self {
            Self::Chat => json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-5.6",
                "choices": [{
                    "index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text},
                }],
                "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output},
            }),
            Self::Responses => {
                let mut whole = response("completed", Some(usage));
                let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
                whole["output"] = json!([{"type": "message", "role": "assistant", "content": content}]);
                whole
            }
            Self::Messages => json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                "usage": {"input_tokens": input, "output_tokens": output},
            }),
        }
        .to_string()
        .into()
    }
}
