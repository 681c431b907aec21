//! A client that costs little: what it takes is taken from the server it measures.
//!
//! It speaks as much HTTP/1.1 as the answers here need: a head, and a body of stated length. Requests are signed one by one
//! like anybody's.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::LoadError;
use crate::sign::{Signer, ToSign};

/// A head is larger than this only if something is wrong.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// How long a server that is busy is left alone.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// A connection that asks one thing at a time.
pub(super) struct Connection {
    stream: TcpStream,
    sending: Vec<u8>,
    received: Vec<u8>,
    /// The beginning of its nonces, which no other connection has.
    name: String,
    asked: u64,
}

/// A request before it is signed. All here are POSTs of JSON, the most expensive kind.
#[derive(Clone, Copy)]
pub(super) struct Post<'a> {
    pub path: &'a str,
    pub body: &'a [u8],
    pub idempotency_key: &'a str,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr, name: String) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            sending: Vec::with_capacity(1 << 10),
            received: Vec::with_capacity(4 << 10),
            name,
            asked: 0,
        })
    }

    /// Signs a request, sends it, and reads the answer, which must have this status.
    pub(super) async fn ask<'c, T: Deserialize<'c>>(
        &'c mut self,
        signer: &Signer,
        post: Post<'_>,
        status: u16,
    ) -> Result<T, LoadError> {
        let body = loop {
            self.send(signer, post).await?;
            let (answered, body) = self.receive().await?;
            if answered == status {
                break body;
            }
            if answered != 503 {
                let said = String::from_utf8_lossy(&self.received[body..]);
                let path = post.path;
                return Err(LoadError::Wrong(format!("{path}: {answered} {said}")));
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        };
        serde_json::from_slice(&self.received[body..])
            .map_err(|error| LoadError::Wrong(format!("{}: {error}", post.path)))
    }

    async fn send(&mut self, signer: &Signer, post: Post<'_>) -> Result<(), LoadError> {
        self.asked += 1;
        let nonce = format!("{}-{}", self.name, self.asked);
        let to_sign = ToSign {
            method: "POST",
            path: post.path,
            query: None,
            body: post.body,
            idempotency_key: Some(post.idempotency_key),
        };
        let signed = signer.sign(&to_sign, unix_seconds(), &nonce)?;
        self.sending.clear();
        write!(
            self.sending,
            "POST {} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            post.path,
            post.body.len()
        )?;
        for (name, value) in signed.iter() {
            for piece in [name, ": ", value, "\r\n"] {
                self.sending.extend_from_slice(piece.as_bytes());
            }
        }
        self.sending.extend_from_slice(b"\r\n");
        self.sending.extend_from_slice(post.body);
        Ok(self.stream.write_all(&self.sending).await?)
    }

    /// The status, and where the body begins. What was received then ends with the body.
    async fn receive(&mut self) -> Result<(u16, usize), LoadError> {
        self.received.clear();
        loop {
            let read = self.stream.read_buf(&mut self.received).await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let Some(head) = Head::read(&self.received)? else {
                continue;
            };
            while self.received.len() < head.body + head.body_bytes {
                if self.stream.read_buf(&mut self.received).await? == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
            }
            return Ok((head.status, head.body));
        }
    }
}

/// What is to be known of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body begins.
    body: usize,
    body_bytes: usize,
}

impl Head {
    /// Nothing as long as the head has not come whole.
    fn read(received: &[u8]) -> Result<Option<Self>, LoadError> {
        let wrong = |what: &str| LoadError::Wrong(format!("an answer with {what}"));
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return if received.len() < HEAD_BYTES_MAX {
                Ok(None)
            } else {
                Err(wrong("a head that does not end"))
            };
        };
        let head = str::from_utf8(&received[..end]).map_err(|_| wrong("a head that is no text"))?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let length = name.eq_ignore_ascii_case("content-length");
            length.then(|| value.trim().parse().ok())?
        });
        Ok(Some(Self {
            status: status.ok_or_else(|| wrong("no status"))?,
            body: end + 4,
            body_bytes: length.ok_or_else(|| wrong("a body of unknown length"))?,
        }))
    }
}

pub(super) fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\n{}";
        let head = Head {
            status: 201,
            body: answer.len() - 2,
            body_bytes: 2,
        };
        assert_eq!(Head::read(answer).unwrap(), Some(head));
        assert_eq!(Head::read(&answer[..30]).unwrap(), None);
        for answer in [
            "HTTP/1.1 201 Created\r\n\r\n",
            "HTTP/1.1 ok\r\ncontent-length: 2\r\n\r\n",
            &"x".repeat(HEAD_BYTES_MAX),
        ] {
            assert!(Head::read(answer.as_bytes()).is_err(), "{answer}");
        }
    }
}
