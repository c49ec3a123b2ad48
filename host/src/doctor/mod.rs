//! What is wrong with a device and its link to the cloud, and what helps: looked at from outside,
//! with or without a nucleus that runs. Each file looks at one thing, by the code that the nucleus
//! itself uses for it, and writes what it finds on its [`Sheet`].

mod broker;
mod certificates;
mod clock;
mod configuration;
mod disk;
mod kernel;
mod network;
mod root;
mod software;

use crate::cloud::LinkSettings;
use crate::cloud::trial::Complaint;
use crate::network::ProxySettings;
use crate::nucleus::time;
use crate::tasks::Tasks;
use gg_model::{NucleusSettings, ThingName, Topic, TopicFilter};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// What the operator has told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The root folder.
    pub root: PathBuf,
    /// Whether it goes before the one in the configuration file.
    pub root_counts: bool,
    /// The configuration file; `None`: `config.yaml` in the root folder, if it is there.
    pub config: Option<PathBuf>,
    /// The core device's name; it goes before the one in the file.
    pub thing: Option<ThingName>,
    /// Topics that components publish to.
    pub publish: Vec<Topic>,
    /// Topics that they subscribe to.
    pub subscribe: Vec<TopicFilter>,
}

/// What is looked at, in the order in which it is told.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Check {
    /// The nucleus's file, and what deployments say of the nucleus.
    Configuration,
    /// The root folder: whose it is, and who uses it.
    Root,
    /// Room in it, and whether it keeps what is written.
    Disk,
    /// Whom the processes of components run as, and the container engine.
    Software,
    /// What the kernel confines components with.
    Kernel,
    /// The time.
    Clock,
    /// Who the device is, and whom it trusts.
    Certificates,
    /// Names and connections.
    Network,
    /// TLS and MQTT, and what the broker allows.
    Broker,
}

impl Check {
    const ALL: [Self; 9] = [
        Self::Configuration,
        Self::Root,
        Self::Disk,
        Self::Software,
        Self::Kernel,
        Self::Clock,
        Self::Certificates,
        Self::Network,
        Self::Broker,
    ];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Root => "root",
            Self::Disk => "disk",
            Self::Software => "software",
            Self::Kernel => "kernel",
            Self::Clock => "clock",
            Self::Certificates => "certificates",
            Self::Network => "network",
            Self::Broker => "broker",
        }
    }
}

/// How something is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Something does not work, or soon will not, that not every device needs.
    Warning,
    /// The device does not work as it is configured.
    Failure,
}

impl Verdict {
    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What was found of one thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// In the course of what.
    pub check: Check,
    /// What was looked at.
    pub subject: String,
    /// How it is.
    pub verdict: Verdict,
    /// The same in words.
    pub message: String,
    /// What helps; there is such for all that is not well.
    pub remedy: Option<String>,
}

/// Where one check writes what it finds.
#[derive(Debug)]
struct Sheet {
    check: Check,
    book: Book,
}

/// What all checks have found. Cheap to clone.
#[derive(Clone, Debug, Default)]
struct Book(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    found: Vec<Finding>,
    over: Vec<Check>,
}

impl Sheet {
    fn ok(&self, subject: impl ToString, message: impl ToString) {
        self.write(subject.to_string(), Verdict::Ok, message.to_string(), None);
    }

    fn bad(
        &self,
        verdict: Verdict,
        subject: impl ToString,
        message: impl ToString,
        remedy: impl ToString,
    ) {
        self.write(subject.to_string(), verdict, message.to_string(), Some(remedy.to_string()));
    }

    /// A sentence that has what helps behind a semicolon, as those of this host do.
    fn sentence(&self, verdict: Verdict, subject: impl ToString, text: &str) {
        let (message, remedy) =
            text.split_once("; ").unwrap_or((text, "see the log of the nucleus"));
        self.bad(verdict, subject, message, remedy);
    }

    fn complaint(&self, verdict: Verdict, subject: impl ToString, complaint: &Complaint) {
        self.bad(verdict, subject, &complaint.what, &complaint.remedy);
    }

    fn write(&self, subject: String, verdict: Verdict, message: String, remedy: Option<String>) {
        let finding = Finding { check: self.check, subject, verdict, message, remedy };
        self.book.pages(|pages| pages.found.push(finding));
    }
}

impl Book {
    fn pages<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn sheet(&self, check: Check) -> Sheet {
        Sheet { check, book: self.clone() }
    }

    /// Look at one thing.
    async fn fill<T>(&self, check: Check, look: impl AsyncFnOnce(&Sheet) -> T) -> T {
        let found = look(&self.sheet(check)).await;
        self.pages(|pages| pages.over.push(check));
        found
    }

    /// The same, where looking blocks.
    async fn fill_blocking<T: Send + 'static>(
        &self,
        tasks: &Tasks,
        check: Check,
        look: impl FnOnce(&Sheet) -> T + Send + 'static,
    ) -> Option<T> {
        let sheet = self.sheet(check);
        let looked = tasks.spawn_blocking_host(move || look(&sheet)).await;
        self.pages(|pages| pages.over.push(check));
        looked.ok()
    }
}

/// A device as it is configured.
#[derive(Debug)]
struct Case {
    root: PathBuf,
    settings: NucleusSettings,
    proxies: ProxySettings,
    /// How the broker is reached; `None`: none is configured.
    link: Option<LinkSettings>,
    /// The process of the nucleus that runs there.
    running: Option<String>,
    /// Who does what blocks.
    tasks: Tasks,
}

/// Look at all of it, for so long at most.
pub async fn examine(told: Told, tasks: &Tasks, patience: Duration) -> Vec<Finding> {
    let book = Book::default();
    // What the link goes by as well.
    time::resume(&told.root);
    let looking = async {
        let told = Arc::new(told);
        let read = Arc::clone(&told);
        let own = tasks.clone();
        let configured =
            async |sheet: &Sheet| configuration::look(read, sheet, &own, patience).await;
        let case = Arc::new(book.fill(Check::Configuration, configured).await);
        let blocking = |check, look: fn(&Case, &Sheet)| {
            let case = Arc::clone(&case);
            book.fill_blocking(tasks, check, move |sheet| look(&case, sheet))
        };
        tokio::join!(
            blocking(Check::Root, root::look),
            blocking(Check::Disk, disk::look),
            blocking(Check::Kernel, kernel::look),
            blocking(Check::Clock, clock::look),
            blocking(Check::Certificates, certificates::look),
            book.fill(Check::Software, async |sheet| software::look(&case, sheet).await),
            async {
                let reached = async |sheet: &Sheet| network::look(&case, sheet).await;
                let reached = book.fill(Check::Network, reached).await;
                let tried = async |sheet: &Sheet| broker::look(&case, &told, reached, sheet).await;
                book.fill(Check::Broker, tried).await;
            },
        );
    };
    let _late = timeout(patience, looking).await;
    let mut found = book.pages(|pages| {
        let unfinished = Check::ALL.into_iter().filter(|check| !pages.over.contains(check));
        let late = unfinished.map(|check| Finding {
            check,
            subject: check.name().to_owned(),
            verdict: Verdict::Failure,
            message: format!(
                "not looked at to the end within {}",
                humantime::format_duration(patience)
            ),
            remedy: Some(
                "give it longer with --timeout, or mend first what else is found".to_owned(),
            ),
        });
        pages.found.iter().cloned().chain(late).collect::<Vec<_>>()
    });
    found.sort_by_key(|finding| finding.check);
    found
}
