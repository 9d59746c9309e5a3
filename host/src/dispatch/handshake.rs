//! The hooks of the upgrade. They fail closed: whatever goes wrong in a plugin refuses the upgrade.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use jackfield_hub::ConnectionId;
use jackfield_plugin::{CallError, ErrorKind, UpgradeRequest};
use jackfield_proto::{Refusal, vet_header};

use super::{call, report_error, trouble};
use crate::instances::{Answer, Failure, Hook};
use crate::server::PluginIndex;
use crate::worker::Worker;

/// When a client may try again after a plugin ran out of time.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Field lines as the protocol crate takes them.
pub(crate) type Fields = Vec<(String, Vec<u8>)>;

/// Runs `check-custom-header` of every plugin of the route; the first rejection ends it. Gives the extra
/// fields of the 101.
pub(crate) async fn check_custom_header(
    worker: &Rc<Worker>,
    id: ConnectionId,
    request: &UpgradeRequest,
) -> Result<Fields, Refusal> {
    for &plugin in worker.plugins_of(id) {
        let generation = worker.placement(plugin).generation(Some(id));
        if let Some(left) = generation.version().out_for() {
            return Err(Refusal::unavailable(left));
        }
    }
    let mut extra = Fields::new();
    for plugin in with_handshake(worker, id) {
        let hook = Hook::CheckCustomHeader(Box::new(Cow::Borrowed(request)));
        match call(worker, plugin, Some(id), hook).await {
            Ok(Answer::Headers(Ok(headers))) => {
                for header in headers {
                    match vet_header(&header.name, &header.value) {
                        Ok(()) => extra.push((header.name, header.value)),
                        Err(error) => {
                            let name = worker.placement(plugin).name();
                            tracing::warn!(plugin = name, %error, field = %header.name.escape_debug(), "check-custom-header gave a field that may not be sent; it was left out");
                        }
                    }
                }
            }
            Ok(Answer::Headers(Err(rejection))) => {
                let headers: Fields = rejection
                    .headers
                    .into_iter()
                    .map(|header| (header.name, header.value))
                    .collect();
                let (refusal, dropped) =
                    Refusal::from_plugin(rejection.status, &headers, &rejection.body);
                let name = worker.placement(plugin).name();
                if refusal.status != rejection.status {
                    tracing::warn!(
                        plugin = name,
                        status = rejection.status,
                        "a rejection needs a status from 400 to 599; 500 was sent"
                    );
                }
                for error in dropped {
                    tracing::warn!(plugin = name, %error, "a rejection had a field that may not be sent; it was left out");
                }
                return Err(refusal);
            }
            // `Hook::run` gives the answer that belongs to its hook.
            Ok(Answer::Done | Answer::Protocol(_)) => {}
            Err(failure) => return Err(refusal_for(worker, plugin, id, &failure)),
        }
    }
    Ok(extra)
}

/// Runs `select-protocol` of the plugins of the route; the first answer wins. None offered: nobody is asked.
pub(crate) async fn select_protocol(
    worker: &Rc<Worker>,
    id: ConnectionId,
    offered: &[String],
) -> Result<Option<String>, Refusal> {
    if offered.is_empty() {
        return Ok(None);
    }
    for plugin in with_handshake(worker, id) {
        let hook = Hook::SelectProtocol(id, Cow::Borrowed(offered));
        match call(worker, plugin, Some(id), hook).await {
            Ok(Answer::Protocol(Some(protocol))) if offered.contains(&protocol) => {
                return Ok(Some(protocol));
            }
            // RFC 6455 section 4.2.2: the value "is either one of the values from the client or absent".
            Ok(Answer::Protocol(Some(_))) => {
                let name = worker.placement(plugin).name();
                tracing::warn!(
                    plugin = name,
                    "select-protocol chose a protocol that was not offered; the upgrade was refused"
                );
                return Err(Refusal::internal());
            }
            Ok(_) => {}
            Err(failure) => return Err(refusal_for(worker, plugin, id, &failure)),
        }
    }
    Ok(None)
}

fn with_handshake(worker: &Worker, id: ConnectionId) -> Vec<PluginIndex> {
    worker
        .plugins_of(id)
        .iter()
        .copied()
        .filter(|&plugin| worker.placement(plugin).exports(Some(id)).handshake)
        .collect()
}

fn refusal_for(
    worker: &Worker,
    plugin: PluginIndex,
    id: ConnectionId,
    failure: &Failure,
) -> Refusal {
    trouble::log(worker, plugin, Some(id), failure);
    report_error(worker, id, ErrorKind::Plugin, &failure.to_string());
    match failure {
        Failure::Call {
            error: CallError::TimeBudget { .. } | CallError::WaitLimit { .. },
            ..
        }
        | Failure::Stopped => Refusal::unavailable(RETRY_AFTER),
        Failure::Call { .. } => Refusal::internal(),
    }
}
