//! A receiver that speaks https with a certificate of its own making.

use std::sync::Arc;

use axum::{Router, routing::post};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub(super) struct Receiver {
    pub(super) port: u16,
    /// The certificate (DER) to trust.
    pub(super) certificate: Vec<u8>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let tcp = TcpListener::bind("localhost:0").await.unwrap();
        let port = tcp.local_addr().unwrap().port();
        let listener = Listener {
            tcp,
            tls: TlsAcceptor::from(Arc::new(config)),
        };
        let app = Router::new().fallback(post(|| async {}));
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self {
            port,
            certificate: cert.der().to_vec(),
        }
    }
}

struct Listener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            // A caller that does not trust the certificate breaks off here.
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
