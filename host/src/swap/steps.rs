//! The manager's side of the conversation with the workers.

use std::sync::Arc;
use std::time::Duration;

use jackfield_plugin::{InstanceLimits, Plugin};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::nobody::Nobody;
use super::version::Version;
use super::{Plugins, SwapError};
use crate::config::resolved;
use crate::instances::{Census, HOME, Step, granted, limited};
use crate::server::PluginIndex;
use crate::worker::{Letter, Mailbox};

/// How long the workers may take to get a version ready, calls in flight included.
const PREPARE_LIMIT: Duration = Duration::from_secs(30);
/// How long they may take to switch: no guest code runs for it.
const STEP_LIMIT: Duration = Duration::from_secs(10);

impl Plugins {
    /// Makes one instance that reaches nobody, to see that there can be one.
    pub(super) async fn smoke_test(
        &self,
        plugin: &Plugin,
        config: &resolved::Plugin,
    ) -> Result<(), SwapError> {
        let limits = limited(&config.limits, InstanceLimits::default().hostcall_bytes);
        plugin
            .instantiate_with(Box::new(Nobody), &limits, &granted(&config.grants))
            .await
            .map(drop)
            .map_err(|error| SwapError::DoesNotStart(error.to_string()))
    }

    /// Has every worker make a version ready; all or none.
    pub(super) async fn prepare(
        &self,
        index: PluginIndex,
        version: &Arc<Version>,
        carry: bool,
    ) -> Result<(), SwapError> {
        let exports = version.plugin.exports();
        let ready = timeout(
            PREPARE_LIMIT,
            self.all(index, |reply| Step::Prepare {
                version: version.clone(),
                carry: carry && exports.state,
                reply,
            }),
        )
        .await;
        let problem = match ready {
            Ok(Ok(answers)) => answers.into_iter().find_map(Result::err),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!(
                "the workers were not ready within {PREPARE_LIMIT:?}"
            )),
        };
        let Some(reason) = problem else { return Ok(()) };
        for mailbox in &self.shared.mailboxes {
            mailbox.send(Letter::Step(index, Step::Abort)).await;
        }
        Err(SwapError::DoesNotStart(reason))
    }

    /// Has every worker do a step, and waits for all answers.
    pub(super) async fn all<T>(
        &self,
        index: PluginIndex,
        step: impl Fn(oneshot::Sender<T>) -> Step,
    ) -> Result<Vec<T>, SwapError> {
        self.each(&self.shared.mailboxes, index, step).await
    }

    /// The same, but the worker with the single instances is done before the others begin. A connection elsewhere
    /// may ask there for either version; in this order it is never given the older one again.
    pub(super) async fn home_first<T>(
        &self,
        index: PluginIndex,
        step: impl Fn(oneshot::Sender<T>) -> Step,
    ) -> Result<Vec<T>, SwapError> {
        let (home, others) = self.home_and_others();
        let mut all = self.each(home, index, &step).await?;
        all.append(&mut self.each(others, index, &step).await?);
        Ok(all)
    }

    /// The same the other way round.
    pub(super) async fn home_last<T>(
        &self,
        index: PluginIndex,
        step: impl Fn(oneshot::Sender<T>) -> Step,
    ) -> Result<Vec<T>, SwapError> {
        let (home, others) = self.home_and_others();
        let mut all = self.each(others, index, &step).await?;
        all.append(&mut self.each(home, index, &step).await?);
        Ok(all)
    }

    fn home_and_others(&self) -> (&[Mailbox], &[Mailbox]) {
        let home = usize::from(HOME) + 1;
        self.shared
            .mailboxes
            .split_at_checked(home)
            .unwrap_or((&self.shared.mailboxes, &[]))
    }

    async fn each<T>(
        &self,
        mailboxes: &[Mailbox],
        index: PluginIndex,
        step: impl Fn(oneshot::Sender<T>) -> Step,
    ) -> Result<Vec<T>, SwapError> {
        let mut answers = Vec::new();
        for mailbox in mailboxes {
            let (reply, answer) = oneshot::channel();
            if !mailbox.send(Letter::Step(index, step(reply))).await {
                return Err(SwapError::Stopping);
            }
            answers.push(answer);
        }
        let mut all = Vec::new();
        for answer in answers {
            all.push(answer.await.map_err(|_| SwapError::Stopping)?);
        }
        Ok(all)
    }

    /// Connections by version.
    pub(super) async fn census(&self, index: PluginIndex) -> Census {
        let counted = timeout(STEP_LIMIT, self.all(index, |reply| Step::Census { reply }));
        let mut sum = Census::default();
        for census in counted.await.ok().and_then(Result::ok).unwrap_or_default() {
            sum.main += census.main;
            sum.side += census.side;
        }
        sum
    }
}
