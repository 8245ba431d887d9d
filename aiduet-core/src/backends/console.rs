//! Messages to people, printed: for a demonstration and for development, where there is no
//! mail server.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::class::Source;
use crate::notify::{DeliveryError, Mail, Notifier};

/// Prints messages instead of sending them, with address and links: whoever reads the output can
/// sign in as anybody.
pub struct ConsoleNotifier {
    output: Mutex<Box<dyn Write + Send>>,
}

impl ConsoleNotifier {
    /// Prints to an output, such as that of the process.
    pub fn new(output: impl Write + Send + 'static) -> Self {
        Self { output: Mutex::new(Box::new(output)) }
    }
}

impl fmt::Debug for ConsoleNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleNotifier").finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for ConsoleNotifier {
    async fn deliver(&self, mail: &Mail) -> Result<(), DeliveryError> {
        let Mail { id, to, subject, text, .. } = mail;
        let page =
            format!("---- mail {id}\nTo: {}\nSubject: {subject}\n\n{}\n----\n", to.expose(), text.trim());
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = output.write_all(page.as_bytes()).and_then(|()| output.flush());
        printed.map_err(|error| DeliveryError::Misconfigured { source: Source::from(error) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::account::Locale;
    use crate::clock::Timestamp;
    use crate::id::NoticeId;
    use crate::notify::NoticeKind;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_message_is_printed_with_its_address_and_text() {
        let paper = Paper::default();
        let mail = Mail {
            id: NoticeId::from_uuid(uuid::Uuid::nil()),
            kind: NoticeKind::VerifyEmail,
            to: "ada@example.com".parse().unwrap(),
            locale: Locale::En,
            subject: "Confirm".to_owned(),
            text: "Open the link.\n".to_owned(),
            html: String::new(),
            created_at: Timestamp::from_millis(0),
        };
        ConsoleNotifier::new(paper.clone()).deliver(&mail).await.unwrap();
        let printed = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert!(printed.contains("To: ada@example.com\nSubject: Confirm\n\nOpen the link.\n"), "{printed}");
    }
}
