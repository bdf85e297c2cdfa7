//! The connection by which a centre that speaks SGIP brings receipts: it opens it, and logs in.

use super::dialect::{bind, is_report_taken, is_welcome};
use super::{Centre, Counts};
use crate::gateway::sms::sgip::pdu::frame;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Between two attempts to connect.
const AGAIN: Duration = Duration::from_millis(200);
const READ_BYTES: usize = 64 * 1024;

/// Brings what is passed to it, for good.
pub(super) async fn run(
    to: SocketAddr,
    mut receipts: mpsc::Receiver<Vec<u8>>,
    centre: Arc<Centre>,
) -> std::io::Result<()> {
    let mut unsent = None;
    loop {
        if let Err(error) = session(to, &mut receipts, &mut unsent, &centre).await {
            tracing::debug!(%to, %error, "receipts wait");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn session(
    to: SocketAddr,
    receipts: &mut mpsc::Receiver<Vec<u8>>,
    unsent: &mut Option<Vec<u8>>,
    centre: &Centre,
) -> std::io::Result<()> {
    if unsent.is_none() {
        *unsent = receipts.recv().await;
    }
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&bind(&centre.config)).await?;
    let mut buffer = vec![0; READ_BYTES];
    let (mut end, mut welcome) = (0, false);
    loop {
        if welcome && let Some(bytes) = unsent.take() {
            stream.write_all(&bytes).await?;
        }
        let space = buffer.get_mut(end..).unwrap_or_default();
        tokio::select! {
            read = stream.read(space) => match read? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                octets => end += octets,
            },
            Some(bytes) = receipts.recv(), if welcome => *unsent = Some(bytes),
        }
        let mut used = 0;
        while let Some(answer) = frame(buffer.get(used..end).unwrap_or_default())
            .map_err(|error| Error::new(ErrorKind::InvalidData, error))?
        {
            used += answer.length;
            if is_report_taken(&answer) {
                Counts::add(&centre.counts.receipts_taken);
            }
            match is_welcome(&answer) {
                Some(true) => welcome = true,
                Some(false) => return Err(ErrorKind::PermissionDenied.into()),
                None => {}
            }
        }
        buffer.copy_within(used..end, 0);
        end -= used;
    }
}
