//! From the first byte of a socket to the `101` or a refusal (RFC 6455 section 4.2, RFC 9110, RFC 9112).
//!
//! The way: [`RequestReader`] collects a bounded head, [`Head`] is one that is well-formed HTTP/1.1,
//! [`Head::upgrade`] checks everything about WebSocket, [`Upgrade::accept`] writes the `101`. On every step a
//! [`Refusal`] may come instead; it knows its status and its response. After a refusal nothing else that the
//! client sent is read: a request pipelined behind it is not served.

mod authority;
mod extensions;
mod head;
mod lists;
mod origin;
mod reader;
mod refusal;
mod response;
mod scan;
mod upgrade;

pub use extensions::{ExtensionOffer, ExtensionParameter};
pub use head::Head;
pub use origin::{InvalidPattern, OriginPattern, OriginPolicy};
pub use reader::{RequestLimits, RequestReader};
pub use refusal::{Malformed, Reason, Refusal};
pub use response::{ForbiddenHeader, plain_response, vet_header};
pub use upgrade::Upgrade;
