//! A device of a simulated fleet: it speaks over a connection of its own what gg-host speaks when it
//! takes deployments of its groups, and does them at once.

use super::board::{Board, Stage};
use super::mqtt::{self, KEEP_ALIVE, Packet};
use crate::common::tls::{Identity, Trust};
use anyhow::{Context as _, Result, bail, ensure};
use gg_cloud::clock::Clock;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

const NAMESPACE: &str = "namespace-aws-gg-deployment";

/// What a device is, before it is connected.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) thing: String,
    pub(crate) identity: Identity,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Waits {
    /// To be let in, to have subscribed, and to hear that nothing is before it.
    Greeting,
    /// To be told of a job.
    Notice,
    /// For the job's document.
    Document,
    /// That its word is taken that it has begun: by this number.
    Begun(u16),
    /// The same of its having succeeded.
    Done(u16),
    /// Nothing more.
    Nothing,
}

struct Session<'d> {
    thing: &'d str,
    board: &'d Board,
    waits: Waits,
    /// The number of what was published last.
    last: u16,
    /// The job that it is at, and what the deployment calls itself.
    job: String,
    configuration: String,
    /// Numbers its messages of its state.
    sequence: u64,
    /// What is to be sent.
    out: Vec<u8>,
}

impl Device {
    /// Connect when there is a place, take one deployment, and stay connected.
    pub(crate) async fn run(self, trust: Trust, port: u16, places: &Semaphore, board: &Board) {
        if let Err(error) = self.live(&trust, port, places, board).await {
            board.fail(format!("{}: {error:#}", self.thing));
        }
    }

    async fn live(
        &self,
        trust: &Trust,
        port: u16,
        places: &Semaphore,
        board: &Board,
    ) -> Result<()> {
        let mut place = Some(places.acquire().await?);
        let mut stream = trust.connect(port, Some(&self.identity)).await?;
        let mut session = Session::new(&self.thing, board);
        session.out = mqtt::connect(&self.thing);
        let (mut input, mut used) = (Vec::with_capacity(4096), 0);
        loop {
            session.flush(&mut stream).await?;
            while let Some((packet, length)) = mqtt::read(&input[used..])? {
                session.take(packet)?;
                used += length;
            }
            input.drain(..used);
            used = 0;
            if session.waits != Waits::Greeting {
                drop(place.take());
            }
            if !session.out.is_empty() {
                continue;
            }
            // Half of what the broker waits for a sign of life, so that one in time is sure.
            let patience = Duration::from_secs(u64::from(KEEP_ALIVE) / 2);
            match timeout(patience, stream.read_buf(&mut input)).await {
                Ok(read) => ensure!(read? > 0, "the broker hung up"),
                Err(_) => session.out.extend(mqtt::ping()),
            }
        }
    }
}

impl<'d> Session<'d> {
    fn new(thing: &'d str, board: &'d Board) -> Self {
        Self {
            thing,
            board,
            waits: Waits::Greeting,
            last: 0,
            job: String::new(),
            configuration: String::new(),
            sequence: 0,
            out: Vec::new(),
        }
    }

    async fn flush(&mut self, stream: &mut TlsStream<TcpStream>) -> Result<()> {
        if !self.out.is_empty() {
            stream.write_all(&self.out).await?;
            stream.flush().await?;
            self.out.clear();
        }
        Ok(())
    }

    fn jobs(&self) -> String {
        format!("$aws/things/{}/jobs", self.thing)
    }

    fn notices(&self) -> String {
        format!("{}/notify-{NAMESPACE}", self.jobs())
    }

    fn next(&self) -> String {
        format!("{}/$next/{NAMESPACE}/get", self.jobs())
    }

    /// Of all its shadows, as who keeps them in step has it.
    fn shadows(&self) -> String {
        format!("$aws/things/{}/shadow/#", self.thing)
    }

    fn publish(&mut self, topic: &str, payload: &Value) -> u16 {
        self.last += 1;
        self.out.extend(mqtt::publish(topic, self.last, &payload.to_string()));
        self.last
    }

    fn take(&mut self, packet: Packet<'_>) -> Result<()> {
        match packet {
            Packet::ConnAck => {
                let next = format!("{}/accepted", self.next());
                let filters = [self.notices(), next, self.shadows()];
                self.last += 1;
                self.out.extend(mqtt::subscribe(self.last, &filters));
            }
            Packet::SubAck => {
                self.say_how_it_is("NUCLEUS_LAUNCH", "COMPLETE");
                self.ask();
            }
            Packet::PubAck(id) => self.acknowledged(id)?,
            Packet::Publish(topic, id, payload) => {
                self.out.extend(id.into_iter().flat_map(mqtt::acknowledge));
                let message: Value = serde_json::from_slice(payload).context("a message")?;
                match topic == self.notices() {
                    true => self.told(&message),
                    false => self.given(&message)?,
                }
            }
            Packet::PingResp => {}
        }
        Ok(())
    }

    fn ask(&mut self) {
        self.publish(&self.next(), &json!({ "includeJobDocument": true }));
    }

    /// It is told which jobs there are.
    fn told(&mut self, notice: &Value) {
        let is_queued = notice["jobs"]["QUEUED"].as_array().is_some_and(|jobs| !jobs.is_empty());
        if is_queued && self.waits == Waits::Notice {
            self.board.mark(Stage::Notified);
            self.waits = Waits::Document;
            self.ask();
        }
    }

    /// It is given the next job, or told that there is none.
    fn given(&mut self, answer: &Value) -> Result<()> {
        let job = answer["execution"]["jobId"].as_str();
        match (self.waits, job) {
            (Waits::Greeting, None) => {
                self.board.mark(Stage::Ready);
                self.waits = Waits::Notice;
            }
            (Waits::Document, Some(job)) => {
                self.board.mark(Stage::Given);
                let document = &answer["execution"]["jobDocument"];
                let configuration = document["configurationArn"].as_str();
                configuration
                    .context("a deployment without its ARN")?
                    .clone_into(&mut self.configuration);
                job.clone_into(&mut self.job);
                self.waits = Waits::Begun(self.update("IN_PROGRESS"));
            }
            other => bail!("it waits for {other:?} and is told {answer}"),
        }
        Ok(())
    }

    fn acknowledged(&mut self, id: u16) -> Result<()> {
        match self.waits {
            Waits::Begun(begun) if id == begun => {
                self.waits = Waits::Done(self.update("SUCCEEDED"));
                self.say_how_it_is("THING_GROUP_DEPLOYMENT", "PARTIAL");
            }
            Waits::Done(done) if id == done => {
                self.waits = Waits::Nothing;
                self.board.mark(Stage::Succeeded);
            }
            _ => {}
        }
        Ok(())
    }

    /// Say where it stands with its job.
    fn update(&mut self, status: &str) -> u16 {
        let topic = format!("{}/{}/{NAMESPACE}/update", self.jobs(), self.job);
        let details = match status {
            "SUCCEEDED" => json!({ "detailed-deployment-status": "SUCCESSFUL" }),
            _ => json!({}),
        };
        self.publish(&topic, &json!({ "status": status, "statusDetails": details }))
    }

    /// Say how it is (Greengrass developer guide, "Fleet status service").
    fn say_how_it_is(&mut self, trigger: &str, kind: &str) {
        self.sequence += 1;
        let mut message = json!({
            "ggcVersion": "2.14.0", "platform": "linux", "architecture": "amd64",
            "thing": self.thing, "sequenceNumber": self.sequence,
            "timestamp": Clock::system().now().millis(),
            "overallDeviceStatus": "HEALTHY", "messageType": kind, "trigger": trigger,
            "components": [{
                "componentName": "aws.greengrass.Nucleus", "version": "2.14.0",
                "fleetConfigArns": [], "isRoot": false, "status": "FINISHED",
            }],
        });
        if !self.configuration.is_empty() {
            message["components"] = json!([{
                "componentName": super::COMPONENT, "version": "1.0.0",
                "fleetConfigArns": [self.configuration], "isRoot": true, "status": "RUNNING",
            }]);
            message["deploymentInformation"] = json!({
                "status": "SUCCEEDED", "fleetConfigurationArnForStatus": self.configuration,
                "deploymentId": self.job, "unchangedRootComponents": [],
                "statusDetails": { "detailedStatus": "SUCCESSFUL" },
            });
        }
        let topic = format!("$aws/things/{}/greengrassv2/health/json", self.thing);
        self.publish(&topic, &message);
    }
}
