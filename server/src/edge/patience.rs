//! What ends a wait: a body that does not come, and a client that does not take what it is sent.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Whether a body was given up.
pub(super) struct Watch(Arc<AtomicBool>);

impl Watch {
    /// True once it was.
    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A request's body that must be there within a time, counted from the first wait for it.
pub(super) struct Unhurried {
    body: Body,
    most: Duration,
    /// Not there while everything came at once.
    deadline: Option<Pin<Box<Sleep>>>,
    is_over: Arc<AtomicBool>,
}

impl Unhurried {
    pub(super) fn new(body: Body, most: Duration) -> (Self, Watch) {
        let is_over = Arc::new(AtomicBool::new(false));
        let watch = Watch(Arc::clone(&is_over));
        let body = Self {
            body,
            most,
            deadline: None,
            is_over,
        };
        (body, watch)
    }
}

impl HttpBody for Unhurried {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let most = self.most;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(most)));
        ready!(deadline.as_mut().poll(cx));
        self.is_over.store(true, Ordering::Release);
        let late = io::Error::from(io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(axum::Error::new(late))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that is given up once the far end takes nothing for a time.
pub(super) struct Unstalled<S> {
    stream: S,
    most: Duration,
    /// Not there while the far end takes what it is sent.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Unstalled<S> {
    pub(super) fn new(stream: S, most: Duration) -> Self {
        Self {
            stream,
            most,
            deadline: None,
        }
    }

    fn bound(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let most = self.most;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(most)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bound(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bound(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const MOST: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn who_takes_nothing_is_given_up_and_who_takes_slowly_is_not() {
        let (near, mut far) = tokio::io::duplex(8);
        let mut near = Unstalled::new(near, MOST);
        let reader = tokio::spawn(async move {
            let mut byte = [0; 4];
            for _ in 0..6 {
                sleep(MOST / 3).await;
                far.read_exact(&mut byte).await.unwrap();
            }
            far
        });
        // Longer than the time all together, never that long without a byte.
        near.write_all(&[7; 24]).await.unwrap();
        let _far = reader.await.unwrap();
        near.write_all(&[7; 8]).await.unwrap();
        let stalled = near.write_all(&[7; 8]).await.unwrap_err();
        assert_eq!(stalled.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_body_is_waited_for_once_however_often_a_byte_comes() {
        let drops = futures_util::stream::unfold((), |()| async {
            sleep(MOST / 4).await;
            Some((Ok::<_, io::Error>(Bytes::from_static(b"x")), ()))
        });
        let (body, watch) = Unhurried::new(Body::from_stream(drops), MOST);
        assert!(!watch.is_over());
        let read = axum::body::to_bytes(Body::new(body), 1 << 20).await;
        assert!(read.is_err());
        assert!(watch.is_over());
    }
}
