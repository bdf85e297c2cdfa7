//! A plain HTTP/1.1 client on one kept connection: what a gateway of a sensor network would use,
//! and cheap enough not to stand in the way of what it measures.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Largest answer read.
const ANSWER_MAX: usize = 64 << 20;

/// One connection.
pub(super) struct Client {
    stream: TcpStream,
    head: Vec<u8>,
    buffer: Vec<u8>,
}

/// An answer: its status and its body.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Client {
    /// Connects.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            head: Vec::new(),
            buffer: Vec::new(),
        })
    }

    /// Asks for a path, as the person of `token` where one is given.
    pub(super) async fn get(&mut self, path: &str, token: Option<&str>) -> Result<Answer<'_>> {
        self.request("GET", path, token, &[]).await
    }

    /// Sends a body, as the person of `token` where one is given.
    pub(super) async fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Result<Answer<'_>> {
        self.request("POST", path, token, body).await
    }

    async fn request(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Result<Answer<'_>> {
        self.head.clear();
        let mut put = |text: &str| self.head.extend_from_slice(text.as_bytes());
        put(method);
        put(" ");
        put(path);
        put(" HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n");
        if let Some(token) = token {
            put("Authorization: Bearer ");
            put(token);
            put("\r\n");
        }
        put("Content-Length: ");
        put(&body.len().to_string());
        put("\r\n\r\n");
        // Small bodies travel with their head in one segment.
        if body.len() < 4096 {
            self.head.extend_from_slice(body);
            self.stream.write_all(&self.head).await?;
        } else {
            self.stream.write_all(&self.head).await?;
            self.stream.write_all(body).await?;
        }
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer<'_>> {
        self.buffer.clear();
        let (status, from, until) = loop {
            if let Some(found) = self.whole()? {
                break found;
            }
            if self.buffer.len() > ANSWER_MAX {
                return Err(Error::new(ErrorKind::InvalidData, "the answer is too long"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
        };
        let body = self.buffer.get(from..until).unwrap_or_default();
        Ok(Answer { status, body })
    }

    /// Status, and where the body begins and ends, once all of it is there.
    fn whole(&self) -> Result<Option<(u16, usize, usize)>> {
        let Some(end) = find(&self.buffer, b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(self.buffer.get(..end).unwrap_or_default())
            .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().ok())?
        });
        let bad = || Error::new(ErrorKind::InvalidData, "an answer without status");
        let (status, length) = (status.ok_or_else(bad)?, length.unwrap_or(0));
        let from = end + 4;
        Ok((self.buffer.len() >= from + length).then_some((status, from, from + length)))
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// The number that follows `key` in a flat JSON object.
pub(super) fn count(body: &[u8], key: &str) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(key)?;
    let digits = rest.trim_start_matches(['"', ':', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits.get(..end.unwrap_or(digits.len()))?.parse().ok()
}
