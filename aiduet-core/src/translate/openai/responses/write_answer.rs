//! Answers of the Responses API, written.

use super::super::super::Facts;
use super::super::super::ids::stem;
use super::super::super::json::write_text;
use super::super::super::reply::{Block, Finish, Reply};
use super::super::super::target::Plan;
use super::output::{Frame, ID_PREFIX, Item, State, item};

/// Writes an answer.
pub(in crate::translate) fn write_answer(reply: Reply, plan: &Plan, facts: &Facts<'_>) -> Vec<u8> {
    let Reply { id, mut blocks, finish } = reply;
    let stem = stem(&id, facts.fallback_id);
    if let Finish::Refusal { explanation: Some(explanation), .. } = &finish {
        let said = blocks.iter().any(|block| matches!(block, Block::Refusal(_)));
        if !said {
            blocks.push(Block::Refusal(explanation.clone()));
        }
    }
    let mut output: Vec<String> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let number = u32::try_from(output.len()).unwrap_or(u32::MAX);
        output.extend(item(block, number, &stem, plan).map(|item: Item| write_text(&item)));
    }
    let id = format!("{ID_PREFIX}{stem}");
    let frame = Frame { id: &id, created: facts.created, plan };
    frame
        .response(&State::Ended { finish: &finish, usage: facts.usage, stages: facts.stages }, &output)
        .into_bytes()
}
