//! What the stages of an ensemble are told, what they have said, and the words around it.

use bytes::{Bytes, BytesMut};

use super::wishes::Rounds;
use crate::account::Locale;
use crate::content::Content;
use crate::dialect::Turn;
use crate::usage::Stage;

const PLAN: &str = "Before anybody answers the request above, plan the answer: the approach, the steps, the \
    interfaces, the pitfalls. Be brief, write no code and no finished text, and use the language of the \
    request. Somebody else will follow your plan.";

const CODE: &str = "Now answer the request above in full, following the plan where it is right. Give the finished \
    answer only: do not repeat the plan, and do not mention that there is one.";

const REVIEW: &str = "Review the answer above against the request: defects, risks, what is missing, the most \
    important first. Be brief, use the language of the request, and do not write the answer again.";

const REVIEW_WITH_VERDICT: &str = "Review the answer above against the request: defects, risks, what is missing, \
    the most important first. Be brief, use the language of the request, and do not write the answer again. End \
    with one line that is exactly `VERDICT: BLOCKING` if the answer must not be used as it is, else \
    `VERDICT: OK`.";

const REPAIR: &str = "Give the whole answer again, without the defects that the review found to be blocking. Give the \
    finished answer only.";

/// The last line of a review that has the code written again.
const BLOCKING: &str = "VERDICT: BLOCKING";

/// The heading of a stage.
pub(super) const fn heading(stage: Stage, language: Locale) -> &'static str {
    match (stage, language) {
        (Stage::Plan, Locale::En) => "## Plan\n\n",
        (Stage::Plan, Locale::ZhCn) => "## 计划\n\n",
        (Stage::Plan, Locale::Ja) => "## 計画\n\n",
        (Stage::Code, Locale::En) => "\n\n## Code\n\n",
        (Stage::Code, Locale::ZhCn) => "\n\n## 代码\n\n",
        (Stage::Code, Locale::Ja) => "\n\n## コード\n\n",
        (Stage::Review, Locale::En) => "\n\n## Review\n\n",
        (Stage::Review, Locale::ZhCn) => "\n\n## 审查\n\n",
        (Stage::Review, Locale::Ja) => "\n\n## レビュー\n\n",
        (Stage::Repair, Locale::En) => "\n\n## Repair\n\n",
        (Stage::Repair, Locale::ZhCn) => "\n\n## 修正\n\n",
        (Stage::Repair, Locale::Ja) => "\n\n## 修正版\n\n",
    }
}

/// What stands for a review or a repair that failed.
pub(super) const fn note(stage: Stage, language: Locale) -> &'static str {
    match (stage, language) {
        (Stage::Repair, Locale::En) => "\n\n*The repair failed and is not charged.*",
        (Stage::Repair, Locale::ZhCn) => "\n\n*修正失败，不收费。*",
        (Stage::Repair, Locale::Ja) => "\n\n*修正に失敗しました。料金はかかりません。*",
        (_, Locale::En) => "\n\n*The review failed and is not charged.*",
        (_, Locale::ZhCn) => "\n\n*审查失败，不收费。*",
        (_, Locale::Ja) => "\n\n*レビューに失敗しました。料金はかかりません。*",
    }
}

/// What the stages have said until now, for those behind them. In memory only, as long as the request.
#[derive(Default)]
pub(super) struct Said {
    plan: Option<Content>,
    code: Option<Content>,
    review: Option<Content>,
}

impl Said {
    /// As short as it can be, to find out how long a prompt is around it.
    pub(super) fn in_a_letter() -> Self {
        let letter = Some(Content::from_static(b"."));
        Self { plan: letter.clone(), code: letter.clone(), review: letter }
    }

    /// Takes what a stage has said.
    pub(super) fn keep(&mut self, stage: Stage, text: Content) {
        match stage {
            Stage::Plan => self.plan = Some(text),
            Stage::Code => self.code = Some(text),
            Stage::Review => self.review = Some(text),
            // Nothing comes behind it.
            Stage::Repair => {}
        }
    }

    /// Whether there is something to review.
    pub(super) fn has_code(&self) -> bool {
        !text(self.code.as_ref()).trim().is_empty()
    }

    /// Whether the review has the code written again.
    pub(super) fn is_blocked(&self) -> bool {
        let review = text(self.review.as_ref());
        let marks = |letter: char| letter.is_whitespace() || matches!(letter, '*' | '`' | '.' | '_');
        let last = review.trim_end_matches(marks).lines().next_back().unwrap_or_default();
        last.trim_matches(marks).eq_ignore_ascii_case(BLOCKING)
    }

    /// The turns behind those of the client that ask for a stage. Those of one stage begin those of the
    /// next one, so that its prompt is found in a cache.
    pub(super) fn turns(&self, stage: Stage, rounds: Rounds) -> Vec<Turn<'_>> {
        let review = match rounds {
            Rounds::None => REVIEW,
            Rounds::One => REVIEW_WITH_VERDICT,
        };
        let script = [
            (Stage::Plan, PLAN, &self.plan),
            (Stage::Code, CODE, &self.code),
            (Stage::Review, review, &self.review),
            (Stage::Repair, REPAIR, &None),
        ];
        let mut turns = Vec::new();
        for (asked, order, said) in script {
            turns.push(Turn::User(order));
            if asked == stage {
                break;
            }
            let said = text(said.as_ref());
            if !said.trim().is_empty() {
                turns.push(Turn::Model(said));
            }
        }
        turns
    }
}

/// Only whole pieces of text come together here.
fn text(content: Option<&Content>) -> &str {
    content.and_then(|content| std::str::from_utf8(content.expose()).ok()).unwrap_or_default()
}

/// What a stage is saying, as far as the stages behind it are told: so much that the bound of their
/// prompts holds.
pub(super) struct Listening {
    text: BytesMut,
    /// Bytes that it may still take as JSON; `None` once something did not fit.
    room: Option<u64>,
}

impl Listening {
    pub(super) fn new(room: u64) -> Self {
        Self { text: BytesMut::new(), room: Some(room) }
    }

    /// Takes a piece.
    pub(super) fn take(&mut self, piece: &str) {
        let Some(room) = self.room else { return };
        let written = serde_json::Value::from(piece).to_string();
        let takes = u64::try_from(written.len()).unwrap_or(u64::MAX);
        self.room = room.checked_sub(takes);
        if self.room.is_some() {
            self.text.extend_from_slice(piece.as_bytes());
        }
    }

    pub(super) fn finish(self) -> Content {
        Content::new(Bytes::from(self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(review: &'static str) -> Said {
        let content = |text: &'static str| Some(Content::from_static(text.as_bytes()));
        Said { plan: content("the plan"), code: content("the code"), review: content(review) }
    }

    fn written(turns: &[Turn<'_>]) -> Vec<(bool, String)> {
        turns
            .iter()
            .map(|turn| match turn {
                Turn::User(text) => (false, (*text).to_owned()),
                Turn::Model(text) => (true, (*text).to_owned()),
            })
            .collect()
    }

    #[test]
    fn every_stage_goes_on_where_the_one_before_ended() {
        for rounds in [Rounds::None, Rounds::One] {
            let said = said("the review");
            let [plan, code, review, repair] = Stage::ALL.map(|stage| written(&said.turns(stage, rounds)));
            assert_eq!((plan.len(), code.len(), review.len(), repair.len()), (1, 3, 5, 7));
            for (before, after) in [(&plan, &code), (&code, &review), (&review, &repair)] {
                assert!(after.starts_with(before));
            }
            assert!(!code.iter().any(|(_model, text)| text == "the code"));
            assert!(review.contains(&(true, "the plan".to_owned())));
            assert!(review.contains(&(true, "the code".to_owned())));
        }
    }

    #[test]
    fn what_was_not_said_is_no_turn() {
        assert_eq!(Said::default().turns(Stage::Review, Rounds::None).len(), 3);
        let blank = Said { plan: Some(Content::from_static(b" \n")), ..Said::default() };
        assert_eq!(blank.turns(Stage::Code, Rounds::None).len(), 2);
    }

    #[test]
    fn the_last_line_of_a_review_is_its_verdict() {
        for review in [
            "Bad.\nVERDICT: BLOCKING",
            "VERDICT: BLOCKING\n\n",
            "x\n**Verdict: blocking**",
            "x\n`VERDICT: BLOCKING`.",
        ] {
            assert!(said(review).is_blocked(), "{review}");
        }
        for review in [
            "",
            "VERDICT: OK",
            "VERDICT: BLOCKING\nVERDICT: OK",
            "Not a VERDICT: BLOCKING",
            "VERDICT: BLOCKING or not",
        ] {
            assert!(!said(review).is_blocked(), "{review}");
        }
    }

    #[test]
    fn what_is_told_on_fits_its_room_as_json() {
        let mut listening = Listening::new(20);
        for piece in ["123\n", "67890", "1234567890", "x"] {
            listening.take(piece);
        }
        // Quotes are counted with every piece, and a new line takes two bytes.
        assert_eq!(listening.finish().expose().as_ref(), b"123\n67890");
    }

    #[test]
    fn every_stage_has_a_heading_of_its_own_in_every_language() {
        for language in [Locale::En, Locale::ZhCn, Locale::Ja] {
            let mut headings = Stage::ALL.map(|stage| heading(stage, language).trim());
            headings.sort_unstable();
            assert!(headings.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(headings.iter().all(|heading| heading.starts_with("## ")));
        }
    }
}
