use super::*;
use crate::testing::SeededEntropy;

fn generate(seed: u64) -> PlainApiKey {
    PlainApiKey::generate(&SeededEntropy::new(seed))
}

#[test]
fn a_key_has_prefix_digits_and_checksum() {
    let key = generate(1);
    assert_eq!(key.expose().len(), 8 + 43 + 6);
    assert!(key.expose().starts_with("sk-duet-"));
    assert_eq!(key.prefix().len(), 12);
    assert!(key.expose().starts_with(key.prefix()) && key.expose().ends_with(key.last4()));
    assert_eq!(key.last4().len(), 4);
    assert_eq!(format!("{key:?} {:?}", key.hash()), "PlainApiKey([redacted]) ApiKeyHash(..)");
}

#[test]
fn base62_keeps_the_number() {
    for (number, text) in [(0_u32, "000000"), (61, "00000z"), (62, "000010"), (u32::MAX, "4gfFC3")] {
        assert_eq!(base62(&number.to_be_bytes(), 6).as_str(), text);
    }
}

/// The number that base62 digits write.
fn decode(text: &str) -> [u8; 32] {
    let mut number = [0; 32];
    for digit in text.bytes() {
        let mut carry = u16::try_from(ALPHABET.iter().position(|known| *known == digit).unwrap()).unwrap();
        for byte in number.iter_mut().rev() {
            let value = u16::from(*byte) * 62 + carry;
            *byte = u8::try_from(value % 256).unwrap();
            carry = value / 256;
        }
        assert_eq!(carry, 0, "the digits write more than 256 bits");
    }
    number
}

#[test]
fn all_256_bits_are_in_the_digits() {
    let entropy = SeededEntropy::new(5);
    let mut numbers = vec![[0_u8; 32], [0xff; 32]];
    for _ in 0..100 {
        let mut number = [0; 32];
        entropy.fill(&mut number);
        numbers.push(number);
    }
    for number in numbers {
        assert_eq!(decode(&base62(&number, RANDOM_DIGITS)), number);
    }
}

/// Each digit is as frequent as chance has it: the chi-square of 62 frequencies is above 100.9 once in a
/// thousand times. The first digits are left out, for 256 bits do not fill 43 digits.
#[test]
fn sec_t21_a_million_generated_keys_parse_and_differ() {
    let entropy = SeededEntropy::new(2);
    let mut seen = std::collections::HashSet::new();
    let mut counts = [0_i64; 256];
    for _ in 0..1_000_000 {
        let key = PlainApiKey::generate(&entropy);
        let text = key.expose();
        assert!(PlainApiKey::parse(text).is_ok(), "{text}");
        assert!(seen.insert(key.hash()));
        text.as_bytes()[PREFIX.len() + 3..][..RANDOM_DIGITS - 3].iter().for_each(|digit| {
            counts[usize::from(*digit)] += 1;
        });
    }
    let total: i64 = counts.iter().sum();
    let squares = ALPHABET.iter().map(|digit| (62 * counts[usize::from(*digit)] - total).pow(2));
    let sum = squares.sum::<i64>() / (62 * total);
    assert!(sum <= 100, "{sum}");
}

#[test]
fn every_change_of_one_character_is_refused() {
    let key = generate(3);
    let text = key.expose();
    for index in 0..text.len() {
        for other in ALPHABET.iter().map(|byte| char::from(*byte)).chain(['-', '_', ' ', 'é']) {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[index] == other {
                continue;
            }
            changed[index] = other;
            let changed: String = changed.into_iter().collect();
            assert!(PlainApiKey::parse(&changed).is_err(), "{index}");
        }
    }
}

#[test]
fn every_cut_addition_and_swap_is_refused() {
    let key = generate(4);
    let text = key.expose();
    for end in 0..text.len() {
        assert!(PlainApiKey::parse(&text[..end]).is_err());
    }
    for index in 0..text.len() - 1 {
        let mut swapped = text.as_bytes().to_vec();
        swapped.swap(index, index + 1);
        if swapped != text.as_bytes() {
            assert!(PlainApiKey::parse(std::str::from_utf8(&swapped).unwrap()).is_err(), "{index}");
        }
    }
    for longer in [format!("{text}0"), format!(" {text}"), format!("{text}\n"), text.to_uppercase()] {
        assert!(PlainApiKey::parse(&longer).is_err());
    }
}

#[test]
fn keys_of_others_are_refused() {
    for text in ["", "sk-duet-", "sk-ant-api03-abc", "sk-proj-abc", "Bearer sk-duet-abc"] {
        assert!(PlainApiKey::parse(text).is_err(), "{text}");
    }
}
