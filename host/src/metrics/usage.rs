//! What something uses of the machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What something uses of the machine, as far as it can be known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Bytes of memory now.
    pub memory: Option<u64>,
    /// Processor time so far.
    pub cpu: Option<Duration>,
    /// Processes now.
    pub processes: Option<u64>,
}

impl Usage {
    /// What the kernel says of one process; `None` names this one. Of one that has ended, nothing.
    pub fn of_process(pid: Option<i32>) -> Self {
        let process = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
        let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
        let machine = (rustix::param::clock_ticks_per_second(), rustix::param::page_size() as u64);
        stat.ok().and_then(|stat| Self::from_stat(&stat, machine)).unwrap_or_default()
    }

    /// `pid (name) state …`; the name may hold anything. The machine is ticks of its clock in a
    /// second, and bytes of its pages.
    pub(super) fn from_stat(stat: &str, (ticks, page): (u64, u64)) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |place: usize| fields.get(place)?.parse::<u64>().ok();
        // The 14th, 15th and 24th of all (proc_pid_stat(5)).
        let (user, system, pages) = (field(11)?, field(12)?, field(21)?);
        let cpu = Duration::from_millis(user.saturating_add(system).saturating_mul(1000) / ticks);
        let memory = Some(pages.saturating_mul(page));
        Some(Self { memory, cpu: Some(cpu), processes: Some(1) })
    }
}

/// Together; what is known of one counts.
impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        fn add<T: std::ops::Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
            match (one, other) {
                (Some(one), Some(other)) => Some(one + other),
                (one, other) => one.or(other),
            }
        }
        all.fold(Self::default(), |sum, one| Self {
            memory: add(sum.memory, one.memory),
            cpu: add(sum.cpu, one.cpu),
            processes: add(sum.processes, one.processes),
        })
    }
}
