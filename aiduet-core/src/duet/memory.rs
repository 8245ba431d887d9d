//! Conversations that are remembered, to keep caches warm: digests, names of models, numbers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::role::Role;
use super::session::{IDLE_MAX, Session, Warm};
use crate::clock::Timestamp;
use crate::dialect::{Conversation, Speaker, Text, Transcript};
use crate::id::{AccountId, Entropy};
use crate::price::ModelId;

/// How many conversations are remembered.
const CAPACITY: usize = 100_000;

/// How much of a text tells conversations apart whose client gives them no name, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// What a conversation is remembered by: a digest with a secret of this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey([u8; 32]);

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

/// An answer of a conversation.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The role of the request.
    pub role: Role,
    /// The model that answered.
    pub model: ModelId,
    /// The tokens of the prompt.
    pub tokens: u64,
    /// When.
    pub at: Timestamp,
}

/// The last conversations, at most 100,000, each for an hour without use. In memory only: what is
/// lost changes cost, never validity.
pub struct SessionMemory {
    secret: [u8; 32],
    memory: Mutex<Memory>,
}

/// Two halves: when the recent one is full, or as old as a conversation may be, it becomes the
/// former one, and what was in that and not used since is gone.
struct Memory {
    recent: HashMap<SessionKey, Session>,
    former: HashMap<SessionKey, Session>,
    turned_at: Timestamp,
    half: usize,
}

impl fmt::Debug for SessionMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMemory").finish_non_exhaustive()
    }
}

impl SessionMemory {
    /// An empty memory.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self::with_capacity(entropy, CAPACITY)
    }

    /// An empty memory for so many conversations.
    pub fn with_capacity(entropy: &dyn Entropy, capacity: usize) -> Self {
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        let memory = Memory {
            recent: HashMap::new(),
            former: HashMap::new(),
            turned_at: Timestamp::from_millis(0),
            half: capacity.div_ceil(2),
        };
        Self { secret, memory: Mutex::new(memory) }
    }

    /// What the conversation of a request is remembered by: the name that the client gives it in a
    /// header or in the body, else the beginning of its system text and of its first message.
    pub fn key(&self, account: AccountId, named: Option<&[u8]>, transcript: &Transcript<'_>) -> SessionKey {
        // The secret comes first and has a fixed length, and no digest leaves the process.
        let digest = Sha256::new().chain_update(self.secret).chain_update(account.as_uuid());
        let in_body = transcript.conversation().and_then(name_of);
        let digest = match (named, in_body) {
            (Some(name), _) => digest.chain_update([0]).chain_update(name),
            (None, Some(name)) => digest.chain_update([1]).chain_update(name),
            (None, None) => opening(transcript).fold(digest.chain_update([2]), |digest, text| {
                let raw = text.raw().as_bytes();
                let begin = raw.get(..TEXT_BYTES_MAX).unwrap_or(raw);
                let length = u64::try_from(raw.len()).unwrap_or(u64::MAX);
                digest.chain_update(length.to_be_bytes()).chain_update(begin)
            }),
        };
        SessionKey(digest.finalize().into())
    }

    /// What is remembered of a conversation.
    pub fn find(&self, key: &SessionKey, now: Timestamp) -> Option<Session> {
        let memory = self.lock();
        let found = memory.recent.get(key).or_else(|| memory.former.get(key))?;
        found.is_live(now).then(|| found.clone())
    }

    /// Takes note of an answer. Calls that a client makes by itself are no part of the conversation.
    pub fn note(&self, key: SessionKey, answered: Answered) {
        if answered.role == Role::Background {
            return;
        }
        let mut memory = self.lock();
        memory.turn(answered.at);
        let before = memory.former.remove(&key).or_else(|| memory.recent.remove(&key));
        memory.recent.insert(key, next(before, answered));
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn turn(&mut self, now: Timestamp) {
        if self.recent.len() >= self.half || now.since(self.turned_at) > IDLE_MAX {
            self.former = std::mem::take(&mut self.recent);
            self.turned_at = now;
        }
    }
}

/// What is remembered after an answer. The model before stays known while its cache may be warm.
fn next(before: Option<Session>, answered: Answered) -> Session {
    let Answered { role, model, tokens, at } = answered;
    let before = before.filter(|before| before.is_live(at)).and_then(|before| {
        let Session { model: last, tokens, used_at, before, .. } = before;
        if last == model { before } else { Some(Warm { model: last, tokens, read_at: used_at }) }
    });
    Session { role, model, tokens, used_at: at, before }
}

/// The name of a conversation in the field that a client writes it to: all of it, or of the name
/// that coding agents give their users the part that names the session. Other names of users are
/// shared by all conversations of a user, and so name none.
fn name_of((kind, text): (Conversation, Text<'_>)) -> Option<String> {
    let text = text.decode();
    match kind {
        Conversation::Cache => Some(text.into_owned()),
        Conversation::User => {
            let json = serde_json::from_str::<serde_json::Value>(&text).ok();
            let written = json.as_ref().and_then(|user| user.get("session_id")?.as_str());
            let suffix = || text.split_once("_session_").map(|(_user, session)| session);
            written.or_else(suffix).filter(|session| !session.is_empty()).map(str::to_owned)
        }
    }
}

/// The system text and the first message of a user.
fn opening<'t>(transcript: &'t Transcript<'_>) -> impl Iterator<Item = Text<'t>> {
    let first = transcript.messages().iter().find(|message| message.speaker == Speaker::User);
    let system = transcript.messages().iter().filter(|message| message.speaker == Speaker::System);
    let spoken = system.take(1).chain(first).flat_map(|message| transcript.parts(message));
    transcript.system.iter().copied().chain(spoken.filter_map(super::turn::text_of))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::content::Content;
    use crate::dialect::Endpoint;
    use crate::id::SystemEntropy;

    fn account(number: u128) -> AccountId {
        AccountId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000).plus(Duration::from_secs(seconds))
    }

    fn answered(model: &str, tokens: u64, seconds: u64) -> Answered {
        let model = ModelId::parse(model).unwrap();
        Answered { role: Role::Code, model, tokens, at: at(seconds) }
    }

    fn key(memory: &SessionMemory, endpoint: Endpoint, named: Option<&str>, body: &Value) -> SessionKey {
        let body = Content::new(body.to_string().into());
        let transcript = Transcript::read(endpoint, &body).unwrap();
        memory.key(account(1), named.map(str::as_bytes), &transcript)
    }

    #[test]
    fn a_conversation_is_known_by_its_name_or_by_how_it_began() {
        let memory = SessionMemory::new(&SystemEntropy);
        let claude = |named, body: Value| key(&memory, Endpoint::Messages, named, &body);
        let first = json!([{"role": "user", "content": "one"}]);
        let second = json!([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"}]);
        let other = json!([{"role": "user", "content": "another"}]);
        let begun = claude(None, json!({"system": "s", "messages": first}));
        assert!(begun == claude(None, json!({"system": "s", "messages": second})));
        assert!(begun != claude(None, json!({"system": "s", "messages": other})));
        assert!(begun != claude(None, json!({"system": "t", "messages": first})));
        assert!(
            claude(Some("a"), json!({"messages": first})) == claude(Some("a"), json!({"messages": other}))
        );
        assert!(
            claude(Some("a"), json!({"messages": first})) != claude(Some("b"), json!({"messages": first}))
        );
        let user = |user: &str, messages: &Value| {
            claude(None, json!({"metadata": {"user_id": user}, "messages": messages}))
        };
        for (mine, yours) in [
            ("user_1_account_2_session_3", "user_1_account_2_session_4"),
            (r#"{"device_id":"1","session_id":"3"}"#, r#"{"device_id":"1","session_id":"4"}"#),
        ] {
            assert!(user(mine, &first) == user(mine, &other) && user(mine, &first) != user(yours, &first));
        }
        assert!(user("someone", &first) != user("someone", &other), "a user has many conversations");
        for (endpoint, texts) in [(Endpoint::ChatCompletions, "messages"), (Endpoint::Responses, "input")] {
            let of = |cache: &str, messages: &Value| {
                key(&memory, endpoint, None, &json!({"prompt_cache_key": cache, texts: messages}))
            };
            assert!(of("a", &first) == of("a", &other) && of("a", &first) != of("b", &first));
        }
    }

    #[test]
    fn accounts_and_processes_do_not_share_what_they_remember() {
        let memory = SessionMemory::new(&SystemEntropy);
        let body = Content::from_static(br#"{"messages":[]}"#);
        let transcript = Transcript::read(Endpoint::Messages, &body).unwrap();
        let of = |memory: &SessionMemory, number| memory.key(account(number), Some(b"a"), &transcript);
        assert!(of(&memory, 1) != of(&memory, 2));
        assert!(of(&memory, 1) != of(&SessionMemory::new(&SystemEntropy), 1));
    }

    #[test]
    fn what_answered_before_is_remembered_with_what_it_read() {
        let memory = SessionMemory::new(&SystemEntropy);
        let key = key(&memory, Endpoint::Messages, Some("a"), &json!({"messages": []}));
        assert_eq!(memory.find(&key, at(0)), None);
        memory.note(key, answered("claude-opus-5-5", 100, 0));
        memory.note(key, answered("claude-opus-5-5", 200, 1));
        memory.note(key, answered("gpt-6.1-sol", 300, 2));
        memory.note(key, Answered { role: Role::Background, ..answered("gpt-6-luna", 9, 3) });
        let found = memory.find(&key, at(3)).unwrap();
        assert_eq!((found.model.as_str(), found.tokens, found.role), ("gpt-6.1-sol", 300, Role::Code));
        let before = found.before.unwrap();
        assert_eq!((before.model.as_str(), before.tokens, before.read_at), ("claude-opus-5-5", 200, at(1)));
        memory.note(key, answered("gpt-6.1-sol", 400, 4));
        assert_eq!(memory.find(&key, at(4)).unwrap().before.unwrap().tokens, 200);
    }

    #[test]
    fn an_idle_hour_ends_what_is_remembered_and_frees_it() {
        let memory = SessionMemory::new(&SystemEntropy);
        let key_of = |name| key(&memory, Endpoint::Messages, Some(name), &json!({"messages": []}));
        memory.note(key_of("a"), answered("claude-opus-5-5", 1, 0));
        assert!(memory.find(&key_of("a"), at(3_600)).is_some());
        assert!(memory.find(&key_of("a"), at(3_601)).is_none());
        for hours in 1..=3 {
            memory.note(key_of("b"), answered("claude-opus-5-5", 1, hours * 3_700));
        }
        let inner = memory.lock();
        assert_eq!(inner.recent.len() + inner.former.len(), 1);
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_used() {
        let memory = SessionMemory::with_capacity(&SystemEntropy, 10);
        let key_of = |name: &str| key(&memory, Endpoint::Messages, Some(name), &json!({"messages": []}));
        for number in 0..100 {
            memory.note(key_of(&format!("other {number}")), answered("gpt-6.1-sol", 1, number));
            memory.note(key_of("kept"), answered("claude-opus-5-5", number, number));
        }
        assert_eq!(memory.find(&key_of("kept"), at(99)).unwrap().tokens, 99);
        let inner = memory.lock();
        assert!(inner.recent.len() + inner.former.len() <= 10);
    }
}
