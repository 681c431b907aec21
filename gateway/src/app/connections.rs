//! Connections: each is served until it ends, is silent for too long, or the gateway stops.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_service::Service;

use super::{App, router};
use crate::auth::Peer;

/// Connections open at a time. Others wait in the kernel's queue until one ends.
const CONNECTIONS_MAX: usize = 16_384;
/// How long the head of a request may take, from the end of the one before: so long a connection is kept for the next.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(75);
/// How long requests under way may take when the gateway stops. What is cut off is asked again, and done once.
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long accepting rests when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves HTTP until told to stop, and then ends the requests under way.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    until: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT_MAX);
    let router = router(app.clone());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let open = GracefulShutdown::new();
    let mut until = pin!(until);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (accept(&listener).await, place)
        };
        let ((stream, peer), place) = tokio::select! {
            next = next => next,
            () = &mut until => break,
        };
        let service = TowerToHyperService::new(FromPeer {
            router: router.clone(),
            peer,
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    // Who follows what happens is told that nothing more is told.
    app.ending.send_replace(true);
    if tokio::time::timeout(DRAIN_WAIT_MAX, open.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("connections were cut off that did not end in time");
    }
    Ok(())
}

/// Tells the router who opened the connection that a request came by.
#[derive(Clone)]
struct FromPeer {
    router: Router,
    peer: Peer,
}

impl<B> Service<Request<B>> for FromPeer
where
    Router: Service<Request<B>>,
{
    type Response = <Router as Service<Request<B>>>::Response;
    type Error = <Router as Service<Request<B>>>::Error;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}

/// The next connection. What fails while one is accepted is that one's failure, or passes.
async fn accept(listener: &TcpListener) -> (TcpStream, Peer) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Answers are small and waited for: none is held back to be joined with the next.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                return (stream, Peer(address.ip()));
            }
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
