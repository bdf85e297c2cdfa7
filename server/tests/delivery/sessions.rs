//! A carrier that takes fewer sessions than the contract says.

use super::peers::texts_of;
use super::street::{Street, feed};
use crate::small::{Centre, OWNER, Served, eventually};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Lets one connection through to `centre` and closes each later one; its port, and how many it closed.
fn one_session_only(centre: u16) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let closed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&closed);
    thread::spawn(move || {
        let (ours, _) = listener.accept().unwrap();
        let theirs = TcpStream::connect(("127.0.0.1", centre)).unwrap();
        let pairs = [(&ours, &theirs), (&theirs, &ours)];
        for (from, to) in pairs.map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap())) {
            thread::spawn(move || std::io::copy(&mut &from, &mut &to));
        }
        while listener.accept().is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (port, closed)
}

#[test]
fn one_session_that_is_bound_carries_what_the_other_cannot() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    Street {
        contacts: &[&owner],
        ..Street::default()
    }
    .write(folder.path());
    let (port, closed) = one_session_only(centre.port);
    // These go on where the section of the account ends.
    let more = "sessions = 2\nreconnect_min = \"1s\"\nreconnect_max = \"1s\"\n";
    let served = Served::serve(folder.path(), port, more);
    eventually("the second session is refused again and again", || {
        closed.load(Ordering::Relaxed) >= 3
    });
    feed(&served, "W1", 2, "0.70");
    eventually("the owner is told", || {
        texts_of(&centre, OWNER)
            .iter()
            .any(|text| text.contains("东风涵洞"))
    });
}
