//! The admin listener: one request for each connection, so many connections at a time, and a deadline for each stage
//! of one, so that whoever is slow, on purpose or not, costs a place for a while and nothing else.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Connections at a time; more wait in the kernel.
const CONNECTIONS: usize = 64;
/// From acceptance to the end of the request's head.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// From there to the response: the upload of a component, its compilation, and the longest swap.
const HANDLING_LIMIT: Duration = Duration::from_secs(600);
/// From there to its last byte.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// How long what is still being sent is read and thrown away, so that the response is not lost: a socket that is
/// closed with unread input is reset (RFC 9112 section 9.6).
const LINGER_LIMIT: Duration = Duration::from_secs(10);
/// How much of it.
const LINGER_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of a request's head.
const HEAD_BYTES: usize = 32 * 1024;
/// How long to wait when the system has no descriptor for one more socket.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts for as long as the runtime lives.
pub(super) async fn run(listener: TcpListener, router: Router) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the admin listener could not be used");
            return;
        }
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        // Those that ended meanwhile.
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone();
                connections.spawn(async move {
                    let _place = place;
                    serve(stream, peer, router).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept an admin connection; trying again");
                sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

/// Serves one request.
async fn serve(stream: TcpStream, peer: SocketAddr, router: Router) {
    let (deadline, watched) = watch::channel(Instant::now() + HEAD_LIMIT);
    let deadline = Arc::new(deadline);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        deadline.send_replace(Instant::now() + HANDLING_LIMIT);
        tracing::debug!(%peer, method = %request.method(), path = request.uri().path(), "admin request");
        let (response, deadline) = (router.call(request), deadline.clone());
        async move {
            let response = response.await;
            deadline.send_replace(Instant::now() + WRITE_LIMIT);
            response
        }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .half_close(true)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .without_shutdown();
    tokio::select! {
        served = Box::pin(served) => match served {
            Ok(parts) => linger(parts.io.into_inner()).await,
            Err(error) => tracing::debug!(%peer, %error, "an admin connection failed"),
        },
        () = passed(watched) => tracing::debug!(%peer, "an admin connection was too slow"),
    }
}

/// Ends our side, and waits for the peer to end its own.
async fn linger(mut stream: TcpStream) {
    let discard = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; 16 * 1024];
        let mut discarded = 0;
        while discarded < LINGER_BYTES {
            match stream.read(&mut buffer).await? {
                0 => break,
                count => discarded += count,
            }
        }
        std::io::Result::Ok(())
    };
    // The response is out; how the peer ends does not matter.
    let _ = timeout(LINGER_LIMIT, discard).await;
}

/// Ready when a deadline that may still be moved has passed.
async fn passed(mut deadline: watch::Receiver<Instant>) {
    loop {
        let at = *deadline.borrow_and_update();
        tokio::select! {
            () = sleep_until(at) => return,
            moved = deadline.changed() => {
                if moved.is_err() {
                    sleep_until(at).await;
                    return;
                }
            }
        }
    }
}
