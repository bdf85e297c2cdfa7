//! What takes long is done beside those who answer requests.

use super::*;
use crate::snapshot::{Generations, Owner};
use std::sync::mpsc;

fn is_kept(app: &App) -> bool {
    let mut kept = Generations::new(app.mode, Owner::Screens(model::Zone(0)));
    kept.load(&*app.journal).unwrap().is_some()
}

/// With the one thread for long work taken, the fold of the screens waits for it.
#[test]
fn the_screens_fold_is_kept_on_no_worker() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    runtime.block_on(async {
        let running = serve(folder.path(), 0, every(1), Vec::new()).await;
        let app = &running.app;
        let (release, released) = mpsc::channel::<()>();
        let (taken, is_taken) = mpsc::channel::<()>();
        let held = tokio::task::spawn_blocking(move || {
            taken.send(()).unwrap();
            released.recv()
        });
        is_taken.recv().unwrap();
        report(app, 1, &[("W1", "water_depth", "0.6")]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!is_kept(app));
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        eventually("the fold is kept", app, || is_kept(app)).await;
        running.stop().await.unwrap();
    });
}
