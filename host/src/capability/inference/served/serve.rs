//! The task that serves a model: one prediction after the other, or a batch, and what becomes of its
//! worker over them.

use super::{Job, Left, Served, Slot, lock};
use crate::capability::inference::batch::{alike, apart, takes_batches, together};
use crate::capability::inference::error::InferenceError;
use crate::capability::inference::model::ModelInfo;
use crate::capability::inference::pool::{Held, Pool};
use crate::inference::worker::PredictionError;
use futures_util::future::join_all;
use gg_inference::Named;
use gg_model::BatchSettings;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

impl Served {
    /// Answer first what is under way already.
    async fn settle(&self, slot: &mut Slot) {
        let Some(Left { under_way, within, mut answer }) = slot.left.take() else { return };
        let Some(worker) = slot.held.as_mut().and_then(Held::worker) else { return };
        let made = worker.finish(under_way, answer.closed()).await;
        self.counters.runs.add(1);
        self.note(slot, &made, within);
        let _gone = answer.send(made.map_err(|error| self.error(within, error)));
    }

    pub(super) fn error(&self, within: Duration, error: PredictionError) -> InferenceError {
        InferenceError::run(&self.model.name, within, error)
    }

    /// Make predictions until the model is retired and nobody waits, or all is to stop.
    pub(in crate::capability::inference) async fn serve(
        self: Arc<Self>,
        pool: Pool,
        stop: CancellationToken,
    ) {
        stop.run_until_cancelled(async {
            loop {
                let job = self.next();
                let mut slot = self.slot.lock().await;
                self.settle(&mut slot).await;
                if let Some(job) = job {
                    let begin = Instant::now();
                    self.take(&mut slot, job, &pool).await;
                    drop(slot);
                    if let Some(share) = self.model.declaration.cpu {
                        tokio::time::sleep(share.rest_after(begin.elapsed())).await;
                    }
                    continue;
                }
                drop(slot);
                if self.waiting() > 0 {
                    continue;
                }
                if self.retired.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = self.work.notified() => {}
                    () = self.retired.cancelled() => {}
                }
            }
        })
        .await;
        self.stopped.store(true, Ordering::SeqCst);
        // Those who still wait hear of it as their answers are dropped.
        drop(std::mem::take(&mut *lock(&self.queue)));
        *self.slot.lock().await = Slot::default();
        self.pid.store(0, Ordering::Relaxed);
    }

    /// The first for which somebody waits. The others are dropped, which says so.
    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        std::iter::from_fn(|| queue.pop()).find(|job| job.left().is_some())
    }

    /// Have a prediction made, with others that wait where they can be made together.
    async fn take(&self, slot: &mut Slot, job: Job, pool: &Pool) {
        if let Err(error) = self.load(slot, pool).await {
            let _gone = job.answer.send(Err(error));
            return;
        }
        let mut jobs = self.gather(job).await;
        jobs.retain(|job| job.left().is_some());
        if jobs.len() > 1 && self.make_together(slot, &mut jobs).await {
            return;
        }
        for job in jobs {
            let loaded = self.load(slot, pool).await;
            let Some(left) = job.left() else { continue };
            let Job { inputs, within, mut answer, .. } = job;
            let made = match loaded {
                Ok(()) => {
                    let made = self.predict(slot, &inputs, left, answer.closed()).await;
                    made.map_err(|error| self.error(within, error))
                }
                Err(error) => Err(error),
            };
            let _gone = answer.send(made);
        }
    }

    /// Have a worker that has the model.
    pub(super) async fn load(&self, slot: &mut Slot, pool: &Pool) -> Result<(), InferenceError> {
        if slot.held.is_some() {
            return Ok(());
        }
        if let Some(reason) = slot.pause.reason(Instant::now()) {
            return Err(reason.clone());
        }
        match pool.start(&self.model).await {
            Ok((held, info)) => {
                self.counters.loads.add(1);
                self.pid.store(held.pid(), Ordering::Relaxed);
                *lock(&self.info) = Some(Arc::new(info));
                slot.held = Some(held);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(model = %self.model.name, %error, "not loaded");
                // Room may be there at once.
                if !matches!(error, InferenceError::NoRoom { .. }) {
                    slot.pause.did_not_load(Instant::now(), &error);
                }
                Err(error)
            }
        }
    }

    /// A prediction with those that can be made together with it, and for which it waits a moment.
    async fn gather(&self, first: Job) -> Vec<Job> {
        let mut jobs = vec![first];
        let (Some(BatchSettings { max, delay }), Some(mut total)) =
            (self.model.declaration.batch, jobs[0].rows)
        else {
            return jobs;
        };
        let takes = |info: Arc<ModelInfo>| takes_batches(&info.inputs, &info.outputs);
        if !self.info().is_some_and(takes) {
            return jobs;
        }
        let until = (Instant::now() + delay).min(jobs[0].until);
        loop {
            while total < max {
                let suits = |job: &Job| {
                    let fits = job.rows.is_some_and(|rows| rows <= max - total);
                    fits && alike(&jobs[0].inputs, &job.inputs)
                };
                let Some(job) = lock(&self.queue).pop_if(suits) else { break };
                total += job.rows.unwrap_or_default();
                jobs.push(job);
            }
            let left = until.saturating_duration_since(Instant::now());
            let more = tokio::time::timeout(left, self.work.notified());
            if total >= max || left.is_zero() || more.await.is_err() {
                return jobs;
            }
        }
    }

    /// Whether they were made together, and are answered.
    async fn make_together(&self, slot: &mut Slot, jobs: &mut Vec<Job>) -> bool {
        let inputs: Vec<&[Named]> = jobs.iter().map(|job| &*job.inputs).collect();
        let Some(inputs) = together(&inputs) else { return false };
        let Some(left) = jobs.iter().filter_map(Job::left).min() else { return false };
        let rows: Vec<u32> = jobs.iter().filter_map(|job| job.rows).collect();
        let nobody = join_all(jobs.iter_mut().map(|job| job.answer.closed()));
        let made = self.predict(slot, &inputs, left, async { drop(nobody.await) }).await;
        let Some(parts) = made.ok().and_then(|outputs| apart(&outputs, &rows)) else {
            return false;
        };
        for (job, outputs) in jobs.drain(..).zip(parts) {
            let _gone = job.answer.send(Ok(outputs));
        }
        true
    }

    /// One run of the worker.
    async fn predict(
        &self,
        slot: &mut Slot,
        inputs: &[Named],
        left: Duration,
        nobody: impl Future<Output = ()>,
    ) -> Result<Vec<Named>, PredictionError> {
        let worker = slot.held.as_mut().and_then(Held::worker);
        let worker = worker.ok_or(PredictionError::Killed)?;
        self.counters.runs.add(1);
        let made = worker.run(inputs, left, nobody).await;
        self.note(slot, &made, left);
        made
    }

    /// Draw the conclusions for the worker.
    pub(super) fn note(
        &self,
        slot: &mut Slot,
        made: &Result<Vec<Named>, PredictionError>,
        within: Duration,
    ) {
        match made {
            Ok(_) | Err(PredictionError::Run(_)) => slot.pause.succeeded(),
            Err(error) => {
                slot.held = None;
                self.pid.store(0, Ordering::Relaxed);
                if let PredictionError::Ended(_) = error {
                    self.counters.crashes.add(1);
                    tracing::warn!(model = %self.model.name, %error, "ended over a prediction");
                    let reason = self.error(within, error.clone());
                    slot.pause.crashed(Instant::now(), &reason);
                }
            }
        }
    }
}
