//! The system calls that a component's process is refused, as container engines refuse them:
//! those that change the machine, load code into the kernel, make namespaces, look into other
//! processes, or have been the way in too often.
//!
//! Most of them need a power that the process does not have; the filter is there for the rest,
//! and for the faults of the kernel behind them. Programs of another architecture than gg-host's,
//! 32-bit ones for example, are ended at their first call.
//!
//! The kernel runs a new filter once for each system call it knows, which made a list of
//! comparisons half of the cost of a start. So the filter is a tree.

use rustix::io::{Errno, Result};
use std::collections::BTreeMap;
use std::fmt;

/// One instruction of a filter.
type Instruction = libc::sock_filter;

/// Refused on all architectures.
#[rustfmt::skip]
const REFUSED: &[i64] = &[
    // The machine: its time, name, disks and log.
    libc::SYS_acct, libc::SYS_adjtimex, libc::SYS_clock_adjtime, libc::SYS_clock_settime,
    libc::SYS_quotactl, libc::SYS_quotactl_fd, libc::SYS_reboot, libc::SYS_setdomainname,
    libc::SYS_sethostname, libc::SYS_settimeofday, libc::SYS_swapoff, libc::SYS_swapon,
    libc::SYS_syslog, libc::SYS_vhangup,
    // Code in the kernel.
    libc::SYS_bpf, libc::SYS_delete_module, libc::SYS_finit_module, libc::SYS_init_module,
    libc::SYS_kexec_load,
    // What is mounted where, and ways around it.
    libc::SYS_chroot, libc::SYS_fanotify_init, libc::SYS_fsconfig, libc::SYS_fsmount,
    libc::SYS_fsopen, libc::SYS_fspick, libc::SYS_mount, libc::SYS_mount_setattr,
    libc::SYS_move_mount, libc::SYS_open_by_handle_at, libc::SYS_open_tree,
    libc::SYS_pivot_root, libc::SYS_umount2,
    // Namespaces; `clone` is judged by its flags.
    libc::SYS_setns, libc::SYS_unshare,
    // Other processes: components may share a user, and are not to share their secrets.
    libc::SYS_perf_event_open, libc::SYS_pidfd_getfd, libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev, libc::SYS_ptrace,
    // The kernel's keys, which know no components.
    libc::SYS_add_key, libc::SYS_keyctl, libc::SYS_request_key,
    // Parts of many an exploit.
    libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_io_uring_setup,
    libc::SYS_lookup_dcookie, libc::SYS_userfaultfd,
];

/// Refused where they are.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_kexec_file_load, libc::SYS_nfsservctl,
    libc::SYS_sysfs, libc::SYS__sysctl, libc::SYS_uselib, libc::SYS_ustat,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

/// The kernel's name for the architecture (`AUDIT_ARCH_*`); none where no filter is made.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
#[cfg(target_arch = "riscv64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_00F3);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
const ARCHITECTURE: Option<u32> = None;

/// From here on are the calls of another ABI (x32), by which the list could be passed by.
const OTHER_ABI: u32 = 0x4000_0000;

/// The flags of `clone` that make namespaces.
const NAMESPACES: u32 = (libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS) as u32;

/// Where the kernel shows a filter the number, the architecture and the first argument's low half.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

/// What a call is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Allowed,
    /// `clone`: allowed without namespaces.
    AllowedWithoutNamespaces,
    /// `EPERM`.
    NotPermitted,
    /// `ENOSYS`: the flags of `clone3` cannot be seen, and every libc then tries `clone`.
    NotThere,
}

/// A filter that is ready for the kernel.
pub(in super::super) struct Filter(Vec<Instruction>);

impl Filter {
    /// The filter, where there is one for this architecture.
    pub(in super::super) fn new() -> Option<Self> {
        let mut program = vec![
            load(ARCH),
            jump(libc::BPF_JEQ, ARCHITECTURE?, 1, 0),
            end(libc::SECCOMP_RET_KILL_PROCESS),
            load(NUMBER),
        ];
        program.extend(tree(&ranges()));
        Some(Self(program))
    }

    /// Filter the calls of the calling thread and of everything it starts. Allocates nothing and
    /// takes no lock. `no_new_privs` must be set.
    #[expect(unsafe_code, reason = "no safe wrapper hands over a filter that is already made")]
    pub(in super::super) fn install(&self) -> Result<()> {
        let length = u16::try_from(self.0.len()).map_err(|_| Errno::INVAL)?;
        let program = libc::sock_fprog { len: length, filter: self.0.as_ptr().cast_mut() };
        // SAFETY: the program and what it points to outlive the call, which only reads them.
        let done = unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
        };
        super::checked(done)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({} instructions)", self.0.len())
    }
}

/// Where the numbers of system calls begin that are answered alike, and how.
fn ranges() -> Vec<(u32, Answer)> {
    let mut answers: BTreeMap<i64, Answer> =
        REFUSED.iter().chain(REFUSED_HERE).map(|number| (*number, Answer::NotPermitted)).collect();
    answers.insert(libc::SYS_clone, Answer::AllowedWithoutNamespaces);
    answers.insert(libc::SYS_clone3, Answer::NotThere);
    let mut ranges = vec![(0, Answer::Allowed)];
    for (number, answer) in answers {
        let Ok(number) = u32::try_from(number) else { continue };
        match ranges.last_mut() {
            Some((begin, last)) if *begin == number => *last = answer,
            _ => ranges.push((number, answer)),
        }
        ranges.push((number + 1, Answer::Allowed));
    }
    ranges.push((OTHER_ABI, Answer::NotPermitted));
    ranges.dedup_by_key(|(_, answer)| *answer);
    ranges
}

/// Instructions that find the range of the loaded number by halves. A jump reaches over 255 of
/// them, and a half has fewer.
fn tree(ranges: &[(u32, Answer)]) -> Vec<Instruction> {
    let (lower, upper) = match ranges {
        [] => return answer(Answer::NotPermitted),
        [(_, only)] => return answer(*only),
        _ => ranges.split_at(ranges.len() / 2),
    };
    let (mut left, right) = (tree(lower), tree(upper));
    let over = u8::try_from(left.len()).unwrap_or(u8::MAX);
    let mut program = vec![jump(libc::BPF_JGE, upper[0].0, over, 0)];
    program.append(&mut left);
    program.extend(right);
    program
}

fn answer(answer: Answer) -> Vec<Instruction> {
    let error = |errno: Errno| end(libc::SECCOMP_RET_ERRNO | errno.raw_os_error().unsigned_abs());
    match answer {
        Answer::Allowed => vec![end(libc::SECCOMP_RET_ALLOW)],
        Answer::AllowedWithoutNamespaces => vec![
            load(FIRST_ARGUMENT),
            jump(libc::BPF_JSET, NAMESPACES, 0, 1),
            error(Errno::PERM),
            end(libc::SECCOMP_RET_ALLOW),
        ],
        Answer::NotPermitted => vec![error(Errno::PERM)],
        Answer::NotThere => vec![error(Errno::NOSYS)],
    }
}

fn load(offset: u32) -> Instruction {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

fn jump(test: u32, value: u32, so: u8, otherwise: u8) -> Instruction {
    instruction(libc::BPF_JMP | test | libc::BPF_K, value, so, otherwise)
}

fn end(answer: u32) -> Instruction {
    instruction(libc::BPF_RET | libc::BPF_K, answer, 0, 0)
}

#[expect(clippy::cast_possible_truncation, reason = "all codes are of one byte")]
fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: code as u16, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a call with this number and first argument is answered: the kernel's part, in short.
    fn ask(filter: &Filter, architecture: u32, number: u32, argument: u32) -> u32 {
        let (mut loaded, mut at) = (0, 0);
        loop {
            let Instruction { code, jt, jf, k } = filter.0[at];
            let code = u32::from(code);
            at += 1;
            let holds = match code & 0xF0 {
                _ if code == libc::BPF_RET => return k,
                _ if code & 7 == libc::BPF_LD => {
                    loaded = match k {
                        NUMBER => number,
                        ARCH => architecture,
                        FIRST_ARGUMENT => argument,
                        _ => panic!("loads {k}"),
                    };
                    continue;
                }
                libc::BPF_JEQ => loaded == k,
                libc::BPF_JGE => loaded >= k,
                libc::BPF_JSET => loaded & k != 0,
                _ => panic!("instruction {code:#x}"),
            };
            at += usize::from(if holds { jt } else { jf });
        }
    }

    const PERMISSION: u32 = libc::SECCOMP_RET_ERRNO | 1;

    #[test]
    fn each_call_is_answered_as_the_list_says() {
        let (Some(filter), Some(arch)) = (Filter::new(), ARCHITECTURE) else { return };
        let refused: Vec<u32> = REFUSED
            .iter()
            .chain(REFUSED_HERE)
            .map(|number| u32::try_from(*number).unwrap())
            .collect();
        for number in 0..1000 {
            let answer = match i64::from(number) {
                libc::SYS_clone3 => libc::SECCOMP_RET_ERRNO | 38,
                _ if refused.contains(&number) => PERMISSION,
                _ => libc::SECCOMP_RET_ALLOW,
            };
            assert_eq!(ask(&filter, arch, number, 0), answer, "system call {number}");
        }
    }

    #[test]
    fn a_clone_may_make_threads_and_processes_and_no_namespaces() {
        let (Some(filter), Some(arch)) = (Filter::new(), ARCHITECTURE) else { return };
        let clone = u32::try_from(libc::SYS_clone).unwrap();
        let asked = |flags: i32| ask(&filter, arch, clone, flags.cast_unsigned());
        let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_THREAD;
        assert_eq!(asked(thread), libc::SECCOMP_RET_ALLOW);
        assert_eq!(asked(libc::SIGCHLD), libc::SECCOMP_RET_ALLOW);
        for flag in [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWNET | libc::SIGCHLD] {
            assert_eq!(asked(flag), PERMISSION);
        }
    }

    #[test]
    fn other_abis_are_no_way_around() {
        let (Some(filter), Some(arch)) = (Filter::new(), ARCHITECTURE) else { return };
        let mount = u32::try_from(libc::SYS_mount).unwrap();
        assert_eq!(ask(&filter, arch, OTHER_ABI | mount, 0), PERMISSION);
        assert_eq!(ask(&filter, arch, u32::MAX, 0), PERMISSION);
        assert_eq!(ask(&filter, arch ^ 1, 0, 0), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[test]
    fn the_tree_is_small_enough_for_its_jumps() {
        let Some(filter) = Filter::new() else { return };
        assert!(filter.0.len() < 256, "{filter:?}");
    }
}
