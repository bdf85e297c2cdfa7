//! A mail relay in play: takes every mail and tells who watches of it (RFC 5321, no extensions).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Bytes of one mail, and of one command.
const MAIL_BYTES_MAX: usize = 256 << 10;
/// Recipients of one mail.
const RECIPIENTS_MAX: usize = 100;

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Addresses it went to.
    pub to: Vec<String>,
    /// Head and body as they came.
    pub text: String,
}

/// A relay that listens.
#[derive(Debug)]
pub struct Mailbox {
    listener: TcpListener,
    address: SocketAddr,
    taken: Arc<AtomicU64>,
    watcher: mpsc::Sender<Mail>,
}

impl Mailbox {
    /// Listens at `listen`. Each mail goes to `watcher`; where nobody keeps up it is counted alone.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub async fn bind(listen: SocketAddr, watcher: mpsc::Sender<Mail>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            taken: Arc::default(),
            watcher,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Mails taken, also while it serves.
    pub fn taken(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }

    /// Serves until it is dropped.
    pub async fn serve(self) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                continue;
            };
            let (taken, watcher) = (Arc::clone(&self.taken), self.watcher.clone());
            // A client that goes away in the middle is its own affair.
            tokio::spawn(async move { converse(stream, &taken, &watcher).await.ok() });
        }
    }
}

/// One connection, from greeting to QUIT.
async fn converse(
    stream: TcpStream,
    taken: &AtomicU64,
    watcher: &mpsc::Sender<Mail>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mailbox\r\n").await?;
    let mut to: Vec<String> = Vec::new();
    loop {
        let line = line(&mut stream).await?;
        let verb = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
        let answer = match verb.as_str() {
            "" => return Ok(()),
            "EHLO" => "250-mailbox\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "RCPT" if to.len() < RECIPIENTS_MAX => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                to.push(address.to_owned());
                "250 ok\r\n"
            }
            "RCPT" => "452 too many\r\n",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let text = data(&mut stream).await?;
                taken.fetch_add(1, Ordering::Relaxed);
                let to = std::mem::take(&mut to);
                drop(watcher.try_send(Mail { to, text }));
                "250 taken\r\n"
            }
            "QUIT" => {
                return stream.write_all(b"221 bye\r\n").await;
            }
            "MAIL" | "RSET" => {
                to.clear();
                "250 ok\r\n"
            }
            "HELO" | "NOOP" => "250 ok\r\n",
            _ => "502 not known here\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// A line without its end; empty where the client went away.
async fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut within = (&mut *stream).take(MAIL_BYTES_MAX as u64);
    within.read_until(b'\n', &mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// The lines before a lone dot.
async fn data(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut text = Vec::new();
    loop {
        let begin = text.len();
        let left = MAIL_BYTES_MAX.saturating_sub(begin);
        let mut within = (&mut *stream).take(left as u64);
        let read = within.read_until(b'\n', &mut text).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = text.get(begin..).unwrap_or_default();
        if line == b".\r\n" {
            text.truncate(begin);
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        if line.starts_with(b"..") {
            text.remove(begin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::email::{Email, EmailConfig, Encryption, Mail as Outgoing};
    use model::Time;
    use std::time::Duration;

    #[tokio::test]
    async fn our_mails_are_taken_whole_over_one_connection() {
        let (watcher, mut mails) = mpsc::channel(8);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mailbox = Mailbox::bind(listen, watcher).await.unwrap();
        let (port, taken) = (mailbox.address().port(), mailbox.taken());
        tokio::spawn(mailbox.serve());
        let email = Email::new(EmailConfig {
            host: "127.0.0.1".into(),
            port,
            encryption: Encryption::None,
            trusted_pem: None,
            login: None,
            from: "三防 <sanfang@example.cn>".into(),
            hello: "sanfang".into(),
            step_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(5),
            connections_max: 1,
        })
        .unwrap();
        for to in ["a@example.cn", "b@example.cn"] {
            let text = "one\n.\n..two\n";
            let mail = Outgoing {
                delivery: "d",
                to,
                subject: "s",
                text,
                at: Time::from_seconds(1_694_063_040),
            };
            email.send(&mail).await.unwrap();
            let mail = mails.recv().await.unwrap();
            assert_eq!(mail.to, [to]);
            // The client ends the last line once more.
            assert!(
                mail.text.trim_end().ends_with("one\r\n.\r\n..two"),
                "{}",
                mail.text
            );
        }
        assert_eq!(taken.load(Ordering::Relaxed), 2);
    }
}
