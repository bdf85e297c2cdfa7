//! The service under measurement: a child process of this binary, its folder, what it costs.

use super::client::Client;
use super::report::progress;
use crate::clock::monotonic;
use crate::command::Failure;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long the service may take to start, and to step what it has taken.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Ticks of a CPU second in /proc (`USER_HZ`, 100 on every Linux).
const TICKS_PER_S: f64 = 100.0;
/// Officers of the service under measurement, by token.
pub(super) const OFFICERS: [&str; 2] = ["bench-one", "bench-two"];
/// Deputies whom the demo city names; they never act.
const DEPUTIES: [&str; 2] = ["deputy-duty", "chief"];

/// A folder of our own, removed at the end.
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new folder below `parent`, or below the system's folder for temporary files.
    pub(super) fn new(parent: Option<&Path>) -> io::Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = parent.join(format!("sanfang-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    /// An empty folder in it.
    pub(super) fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind is only space.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// A service that runs.
pub(super) struct Served {
    child: Child,
    folder: PathBuf,
    pub(super) address: SocketAddr,
}

impl Served {
    /// Serves `city` from `folder`, with `more` added to the configuration, until dropped.
    pub(super) async fn start(folder: &Path, city: &Path, more: &str) -> Result<Self, Failure> {
        let mut served = Self::spawned(folder, city, "journal = \"journal\"", more)?;
        served.wait_ready().await?;
        Ok(served)
    }

    /// The same with what is said of the journal, not yet ready.
    pub(super) fn spawned(
        folder: &Path,
        city: &Path,
        journal: &str,
        more: &str,
    ) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Failed(error.to_string());
        let city = city.canonicalize().map_err(|error| {
            let city = city.display();
            Failure::BadInput(format!("{city}: {error}; `make bench` makes what it needs"))
        })?;
        let address = free_address().map_err(failed)?;
        let people: String = OFFICERS
            .iter()
            .chain(&DEPUTIES)
            .map(|token| {
                let hash = crate::people::token_hash(token);
                format!("[[person]]\nid = \"{token}\"\nname = \"{token}\"\nscopes = [\"read\", \"issue\", \"approve\"]\ntoken_sha256 = \"{hash}\"\n")
            })
            .collect();
        let config = format!(
            "city = {city:?}\n{journal}\nlisten = \"{address}\"\nopen_intake = true\n{people}\n{more}\n"
        );
        std::fs::write(folder.join("sanfang.toml"), config).map_err(failed)?;
        let child = spawn(folder).map_err(failed)?;
        Ok(Self {
            child,
            folder: folder.to_owned(),
            address,
        })
    }

    /// Kills the process with SIGKILL.
    pub(super) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Serves the same folder again after a kill.
    pub(super) async fn start_again(&mut self) -> Result<(), Failure> {
        self.child = spawn(&self.folder).map_err(|error| Failure::Failed(error.to_string()))?;
        self.wait_ready().await
    }

    /// CPU seconds the process has taken, all its threads.
    pub(super) fn cpu_s(&self) -> f64 {
        cpu_s(&self.child.id().to_string())
    }

    /// Bytes of memory it holds.
    pub(super) fn resident_bytes(&self) -> u64 {
        memory_bytes(self.child.id(), "VmRSS:")
    }

    pub(super) async fn wait_ready(&mut self) -> Result<(), Failure> {
        let began = monotonic();
        while monotonic().duration_since(began) < PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::Failed(format!(
                    "the service ended ({status}): {}",
                    self.last_words()
                )));
            }
            if let Ok(mut client) = Client::connect(self.address).await
                && let Ok(answer) = client.get("/readyz", None).await
                && answer.status == 200
            {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(Failure::Failed(format!(
            "the service is not ready after {PATIENCE:?}: {}",
            self.last_words()
        )))
    }

    /// Waits until the zones have stepped all that was stored.
    pub(super) async fn wait_evaluated(&self, client: &mut Client) -> Result<(), Failure> {
        let began = monotonic();
        while monotonic().duration_since(began) < PATIENCE {
            let waiting = self
                .metric(client, "sanfang_queue_depth{queue=\"zone/")
                .await?;
            if waiting == 0.0 {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(Failure::Failed(format!(
            "the zones have not stepped their input after {PATIENCE:?}"
        )))
    }

    /// Sum of the metrics whose name and labels begin with `head`.
    pub(super) async fn metric(&self, client: &mut Client, head: &str) -> Result<f64, Failure> {
        let answer = client.get("/metrics", None).await;
        let answer =
            answer.map_err(|error| Failure::Failed(format!("asking the service: {error}")))?;
        let text = String::from_utf8_lossy(answer.body);
        let values = text
            .lines()
            .filter(|line| line.starts_with(head))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let from = log.len().saturating_sub(2000);
        log.get(from..).unwrap_or_default().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
        let words = self.last_words();
        if words.contains("ERROR") {
            progress(&format!("the service said: {words}"));
        }
    }
}

fn spawn(folder: &Path) -> io::Result<Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))?;
    Command::new(std::env::current_exe()?)
        .arg("serve")
        .arg("--config")
        .arg(folder.join("sanfang.toml"))
        .env("SANFANG_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
}

/// An address that is free now.
pub(super) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// CPU seconds of a process, or of this one as `self`.
pub(super) fn cpu_s(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; user and system time are fields 14 and 15.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |at: usize| -> f64 {
        let field = fields.split_whitespace().nth(at);
        field.and_then(|word| word.parse().ok()).unwrap_or_default()
    };
    (ticks(11) + ticks(12)) / TICKS_PER_S
}

/// A figure of a process's memory, such as `VmRSS:` or `VmHWM:`.
pub(super) fn memory_bytes(process: u32, figure: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(figure));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
