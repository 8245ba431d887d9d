//! A connection with two deadlines that hyper does not have: for its first bytes, and for a peer
//! that takes nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How an HTTP/2 connection begins (RFC 9113, section 3.4). Until it is whole or differs, hyper
/// only looks for the version and keeps no time.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Deadlines around a stream.
pub(crate) struct GuardedIo<S> {
    inner: S,
    opening: Option<Opening>,
    stall_max: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

struct Opening {
    rest: &'static [u8],
    deadline: Pin<Box<Sleep>>,
}

impl<S> GuardedIo<S> {
    /// Expects the first bytes within `opening_max`, and that the peer never takes nothing for
    /// longer than `stall_max`.
    pub(crate) fn new(inner: S, opening_max: Duration, stall_max: Duration) -> Self {
        let opening = Opening { rest: PREFACE, deadline: Box::pin(sleep(opening_max)) };
        Self { inner, opening: Some(opening), stall_max, stalled: None }
    }

    /// Passes on the result of a write, unless the peer has taken nothing for too long.
    fn judge_write<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let stall_max = self.stall_max;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall_max)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Opening {
    /// Whether the version is still open after these bytes.
    fn goes_on(&mut self, bytes: &[u8]) -> bool {
        match self.rest.split_at_checked(bytes.len()) {
            Some((expected, rest)) if expected == bytes && !rest.is_empty() => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, buffer);
        let Some(opening) = self.opening.as_mut() else { return result };
        if result.is_ready() {
            let new = buffer.filled().get(before..).unwrap_or_default();
            if !opening.goes_on(new) {
                self.opening = None;
            }
            return result;
        }
        ready!(opening.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.judge_write(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.judge_write(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(context);
        self.judge_write(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_shutdown(context);
        self.judge_write(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const TEN: Duration = Duration::from_secs(10);
    const SIXTY: Duration = Duration::from_mins(1);

    async fn read(io: &mut GuardedIo<tokio::io::DuplexStream>) -> io::Result<usize> {
        let mut buffer = [0; 64];
        tokio::time::timeout(Duration::from_hours(1), io.read(&mut buffer)).await.unwrap_or(Ok(usize::MAX))
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up() {
        let (_peer, ours) = tokio::io::duplex(1024);
        let mut io = GuardedIo::new(ours, TEN, SIXTY);
        assert_eq!(read(&mut io).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_preface_that_is_never_finished_is_given_up() {
        let (mut peer, ours) = tokio::io::duplex(1024);
        let mut io = GuardedIo::new(ours, TEN, SIXTY);
        peer.write_all(b"PRI * HT").await.unwrap();
        assert_eq!(read(&mut io).await.unwrap(), 8);
        assert_eq!(read(&mut io).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn once_the_version_is_known_the_time_is_hypers() {
        for beginning in [&b"G"[..], PREFACE] {
            let (mut peer, ours) = tokio::io::duplex(1024);
            let mut io = GuardedIo::new(ours, TEN, SIXTY);
            peer.write_all(beginning).await.unwrap();
            assert_eq!(read(&mut io).await.unwrap(), beginning.len());
            assert_eq!(read(&mut io).await.unwrap(), usize::MAX, "hyper's own time-outs apply now");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_and_a_slow_one_is_not() {
        let (mut peer, ours) = tokio::io::duplex(4);
        let mut io = GuardedIo::new(ours, TEN, SIXTY);
        io.write_all(b"full").await.unwrap();
        let reader = async {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                let mut byte = [0; 1];
                peer.read_exact(&mut byte).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(io.write_all(b"slow"), reader);
        written.unwrap();
        assert_eq!(io.write_all(b"never").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
