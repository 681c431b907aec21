//! The gateway of the town: started in this process, stopped, started again.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use gateway::app::{self, App};
use gateway::config::Config;
use gateway::sign::Signer;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[derive(Debug)]
pub(crate) struct House {
    pub address: SocketAddr,
    app: Arc<App>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl House {
    pub(crate) async fn start(data: &Path, listen: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen}; choose another address with --listen, or port 0")
        })?;
        let address = listener.local_addr()?;
        let config = Config {
            listen: address,
            ..Config::in_directory(data)
        };
        let app = App::start(&config).await?.app;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = app::serve(app.clone(), listener, async { drop(stopped.await) });
        Ok(Self {
            address,
            app,
            stop,
            server: tokio::spawn(serving),
        })
    }

    /// Answers what is under way, writes the views, ends.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        // The server may have ended by itself; then nobody listens for the word.
        let _ = self.stop.send(());
        self.server.await??;
        self.app.shutdown().await;
        Ok(())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The operator's key, as the gateway has left it in its directory.
#[derive(Deserialize)]
struct KeyFile {
    key_id: String,
    secret: String,
}

pub(crate) fn operator(data: &Path) -> anyhow::Result<Signer> {
    let file = data.join("operator.key");
    let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let key: KeyFile = serde_json::from_slice(&text)?;
    Ok(Signer::new(key.key_id, key.secret.as_bytes()))
}
