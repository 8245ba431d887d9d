//! The language of a request, as far as this product speaks it.

use super::router::DuetRouter;
use crate::account::Locale;
use crate::dialect::Transcript;

/// Letters of Latin words that weigh as much as one Chinese or Japanese character.
const LATIN_PER_CHARACTER: usize = 6;

impl DuetRouter {
    /// The language in which a person speaks in the last message, code and quotations left out: English
    /// unless characters of Chinese or Japanese prevail; Japanese if there is any kana among them.
    pub fn language(&self, transcript: &Transcript<'_>) -> Locale {
        self.read(transcript).0.prose().map_or(Locale::default(), language)
    }
}

fn language(text: &str) -> Locale {
    let (mut latin, mut han, mut kana) = (0_usize, 0_usize, 0_usize);
    for character in text.chars() {
        match character {
            'a'..='z' | 'A'..='Z' => latin = latin.saturating_add(1),
            '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9d}' => {
                kana = kana.saturating_add(1);
            }
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
                han = han.saturating_add(1);
            }
            _ => {}
        }
    }
    let characters = han.saturating_add(kana);
    if characters == 0 || characters.saturating_mul(LATIN_PER_CHARACTER) < latin {
        Locale::En
    } else if kana > 0 {
        Locale::Ja
    } else {
        Locale::ZhCn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Endpoint;

    #[test]
    fn characters_that_prevail_decide() {
        for (text, expected) in [
            ("write a parser", Locale::En),
            ("", Locale::En),
            ("rename the field 名前 in every file of this module", Locale::En),
            ("请写一个 rust 函数解析 csv 文件", Locale::ZhCn),
            ("用 kubernetes 部署", Locale::ZhCn),
            ("csvを解析するrust関数を書いてください", Locale::Ja),
            ("kubernetesへ移行すべき?", Locale::Ja),
        ] {
            assert_eq!(language(text), expected, "{text}");
        }
    }

    /// The examples that come with the router, which say their language.
    #[test]
    fn the_languages_of_the_examples_are_told_apart() {
        let router = DuetRouter::embedded().unwrap();
        let mut wrong = Vec::new();
        for line in include_str!("../../data/duet/examples.jsonl").lines() {
            let example: serde_json::Value = serde_json::from_str(line).unwrap();
            let endpoint = match example["dialect"].as_str().unwrap() {
                "anthropic" => Endpoint::Messages,
                _ if example["request"]["input"].is_null() => Endpoint::ChatCompletions,
                _ => Endpoint::Responses,
            };
            let body = crate::content::Content::new(example["request"].to_string().into());
            let transcript = Transcript::read(endpoint, &body).unwrap();
            let told = router.language(&transcript).as_str();
            if !told.starts_with(example["lang"].as_str().unwrap()) {
                wrong.push((example["id"].clone(), told));
            }
        }
        assert!(wrong.len() <= 5, "{} of the examples: {wrong:?}", wrong.len());
    }
}
