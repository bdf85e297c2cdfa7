//! E-mail by SMTP: every step is ours, so that what went wrong says whether the message may be out.
//!
//! Before the end of the data nothing was taken over and a failure is safe to repeat; after it,
//! silence means an unknown outcome (RFC 5321 §4.5.3.2.6).

use super::{Proof, Receipt};
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{Error as SmtpError, client};
use model::{SendError, Time};
use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all: loopback or a trusted network.
    None,
    /// STARTTLS, and no mail without it.
    StartTls,
    /// TLS from the first byte (port 465).
    Tls,
}

/// A mail relay as configured.
#[derive(Clone)]
pub struct EmailConfig {
    /// Host name, also the name its certificate must have.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub encryption: Encryption,
    /// Certificate (PEM) trusted beside the public ones.
    pub trusted_pem: Option<Vec<u8>>,
    /// User and password, where the relay asks.
    pub login: Option<(String, String)>,
    /// Sender shown, `广州三防 <sanfang@example.cn>`.
    pub from: String,
    /// Name we give ourselves (EHLO).
    pub hello: String,
    /// For each step but the last.
    pub step_timeout: Duration,
    /// For the answer after the data.
    pub answer_timeout: Duration,
    /// Connections at the same time.
    pub connections_max: usize,
}

/// One mail to one person.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// Names the delivery; becomes the Message-ID, so that a repeat is recognised.
    pub delivery: &'a str,
    /// Address, with or without a name.
    pub to: &'a str,
    /// Subject.
    pub subject: &'a str,
    /// Plain text.
    pub text: &'a str,
    /// Written into `Date`.
    pub at: Time,
}

/// Why a relay cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EmailConfigError {
    /// The sender is no address.
    #[error("from {0:?} is not an address such as 三防 <sanfang@example.cn>")]
    From(String),
    /// TLS cannot be set up.
    #[error("TLS for {host}: {error}")]
    Tls {
        /// The relay.
        host: String,
        /// What is wrong.
        error: SmtpError,
    },
}

/// A relay with its open connections.
pub struct Email {
    config: EmailConfig,
    from: Mailbox,
    tls: Option<TlsParameters>,
    turns: Semaphore,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl Email {
    /// Checks the configuration; connects when the first mail goes out.
    ///
    /// # Errors
    /// The sender or the certificate is unusable.
    pub fn new(config: EmailConfig) -> Result<Self, EmailConfigError> {
        let from = config.from.parse();
        let from = from.map_err(|_| EmailConfigError::From(config.from.clone()))?;
        let tls = match config.encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Tls => {
                Some(tls(&config).map_err(|error| EmailConfigError::Tls {
                    host: config.host.clone(),
                    error,
                })?)
            }
        };
        Ok(Self {
            from,
            tls,
            turns: Semaphore::new(config.connections_max.max(1)),
            idle: Mutex::new(Vec::new()),
            config,
        })
    }

    /// Sends one mail over an open connection or a new one.
    ///
    /// # Errors
    /// Transient: not taken, try again. Permanent: the relay refuses it for good, or the address
    /// is none. Uncertain: written whole and not answered.
    pub async fn send(&self, mail: &Mail<'_>) -> Result<Receipt, SendError> {
        let message = self.compose(mail)?;
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| SendError::Transient("shutting down".into()))?;
        if let Some(open) = self.take() {
            match self.attempt(open, &message).await {
                // The relay closed it while it was idle: nothing was sent, so once more afresh.
                Err(Failure::Lost(_)) => {}
                other => return receipt(other, mail),
            }
        }
        let fresh = self.connect().await.map_err(SendError::Transient)?;
        receipt(self.attempt(fresh, &message).await, mail)
    }

    /// Says goodbye on idle connections.
    pub async fn close(&self) {
        while let Some(mut open) = self.take() {
            // The relay may be gone already; there is nobody to tell.
            let _ = tokio::time::timeout(self.config.step_timeout, open.quit()).await;
        }
    }

    fn compose(&self, mail: &Mail<'_>) -> Result<Message, SendError> {
        let refused = |why: String| SendError::Permanent(why);
        let to: Mailbox = mail
            .to
            .parse()
            .map_err(|_| refused("the address is not an e-mail address".into()))?;
        let seconds = u64::try_from(mail.at.seconds()).unwrap_or(0);
        let domain = self.from.email.domain();
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(format!("<{}@{domain}>", mail.delivery)))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .singlepart(
                SinglePart::builder()
                    .header(ContentType::TEXT_PLAIN)
                    .body(mail.text.to_owned()),
            )
            .map_err(|error| refused(format!("the mail cannot be written: {error}")))
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn put_back(&self, open: AsyncSmtpConnection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(open);
    }

    /// Connects, protects, logs in. Whatever fails here is the relay's or the configuration's
    /// trouble and no recipient's, so the caller may try again.
    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let limit = self.config.step_timeout;
        let hello = ClientId::Domain(self.config.hello.clone());
        let direct = (self.config.encryption == Encryption::Tls)
            .then(|| self.tls.clone())
            .flatten();
        let address = (self.config.host.as_str(), self.config.port);
        let connect =
            AsyncSmtpConnection::connect_tokio1(address, Some(limit), &hello, direct, None);
        let mut open = within(limit, connect).await?;
        if let (Encryption::StartTls, Some(tls)) = (self.config.encryption, &self.tls) {
            within(limit, open.starttls(tls.clone(), &hello)).await?;
        }
        if let Some((user, password)) = &self.config.login {
            let login = Credentials::new(user.clone(), password.clone());
            within(limit, open.auth(DEFAULT_MECHANISMS, &login)).await?;
        }
        Ok(open)
    }

    /// One mail transaction; a connection in a known state goes back to the idle ones.
    async fn attempt(
        &self,
        mut open: AsyncSmtpConnection,
        message: &Message,
    ) -> Result<Response, Failure> {
        let result = self.transact(&mut open, message).await;
        match &result {
            Ok(_) => self.put_back(open),
            // After a refusal the transaction is still open; closing is the simplest end of it.
            Err(Failure::Refused(_)) => {
                let _ = tokio::time::timeout(self.config.step_timeout, open.abort()).await;
            }
            Err(Failure::Lost(_) | Failure::Unknown(_)) => {}
        }
        result
    }

    async fn transact(
        &self,
        open: &mut AsyncSmtpConnection,
        message: &Message,
    ) -> Result<Response, Failure> {
        let limit = self.config.step_timeout;
        let envelope = message.envelope();
        let bytes = message.formatted();
        let mut options = Vec::new();
        if !bytes.is_ascii() && open.server_info().supports_feature(Extension::EightBitMime) {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = MailFrom::new(envelope.from().cloned(), options);
        step(limit, open.command(from)).await?;
        for to in envelope.to() {
            step(limit, open.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        }
        step(limit, open.command(Data)).await?;
        match tokio::time::timeout(self.config.answer_timeout, open.message(&bytes)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.status().is_some() => Err(Failure::Refused(error)),
            Ok(Err(error)) => Err(Failure::Unknown(error.to_string())),
            Err(_) => Err(Failure::Unknown("no answer in time".into())),
        }
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EmailConfig {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

enum Failure {
    /// The relay answered with a 4xx or 5xx.
    Refused(SmtpError),
    /// The connection went or hung before the data were written whole.
    Lost(String),
    /// It went or hung afterwards.
    Unknown(String),
}

fn tls(config: &EmailConfig) -> Result<TlsParameters, SmtpError> {
    let mut tls = TlsParameters::builder(config.host.clone());
    if let Some(pem) = &config.trusted_pem {
        tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
    }
    tls.set_min_tls_version(client::TlsVersion::Tlsv12)
        .build_rustls()
}

async fn within<T>(
    limit: Duration,
    act: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, act).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the relay does not answer".into()),
    }
}

async fn step(
    limit: Duration,
    act: impl Future<Output = Result<Response, SmtpError>>,
) -> Result<Response, Failure> {
    match tokio::time::timeout(limit, act).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) if error.status().is_some() => Err(Failure::Refused(error)),
        Ok(Err(error)) => Err(Failure::Lost(error.to_string())),
        Err(_) => Err(Failure::Lost("no answer in time".into())),
    }
}

fn receipt(result: Result<Response, Failure>, mail: &Mail<'_>) -> Result<Receipt, SendError> {
    match result {
        // Relays answer with their queue id: `250 2.0.0 Ok: queued as 4Tkz…`.
        Ok(response) => Ok(Receipt {
            reference: response
                .first_line()
                .filter(|line| !line.is_empty())
                .map_or_else(
                    || mail.delivery.to_owned(),
                    |line| line.chars().take(200).collect(),
                ),
            proof: Proof::Accepted,
        }),
        Err(Failure::Refused(error)) if error.is_permanent() => {
            Err(SendError::Permanent(error.to_string()))
        }
        Err(Failure::Refused(error)) => Err(SendError::Transient(error.to_string())),
        Err(Failure::Lost(why)) => Err(SendError::Transient(why)),
        Err(Failure::Unknown(why)) => Err(SendError::Uncertain(why)),
    }
}
