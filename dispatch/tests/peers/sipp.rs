//! `sipp` as the gateway of calls: plays one scenario once, and says whether all went as it wants.

use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dispatch/tests/peers/sipp");

/// The far side of one call.
pub(crate) struct Sipp {
    child: Child,
    pub(crate) port: u16,
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

impl Sipp {
    /// Starts a scenario over `u1` (datagrams) or `t1` (a stream). A port that was free may be taken by the
    /// time that it is wanted: then others are tried.
    pub(crate) fn plays(scenario: &str, transport: &str) -> Result<Self, String> {
        for _ in 0..8 {
            let mut gateway = Self::plays_at(free_port(), scenario, transport)?;
            if gateway.listens(transport) {
                return Ok(gateway);
            }
        }
        Err("sipp: ended eight times before it listened".to_owned())
    }

    /// Waits until it listens; false where it ended.
    fn listens(&mut self, transport: &str) -> bool {
        let at = ("127.0.0.1", self.port);
        while self.child.try_wait().unwrap().is_none() {
            let is_free = match transport {
                "t1" => TcpListener::bind(at).map(drop),
                _ => UdpSocket::bind(at).map(drop),
            };
            if is_free.is_err() {
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        false
    }

    /// The same at a port that was chosen before.
    pub(crate) fn plays_at(port: u16, scenario: &str, transport: &str) -> Result<Self, String> {
        let media = free_port();
        let child = Command::new("sipp")
            .args(["-sf", &format!("{SCENARIOS}/{scenario}.xml")])
            .args(["-i", "127.0.0.1", "-p", &port.to_string()])
            .args(["-mp", &media.to_string(), "-t", transport])
            .args(["-m", "1", "-nostdin", "-timeout", "120"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.map_err(|e| format!("sipp: {e}: deploy/test-peers.sh installs it"))?;
        Ok(Self { child, port })
    }

    /// True where everything went as the scenario says.
    pub(crate) fn ends_well(mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
