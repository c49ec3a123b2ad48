//! Memory that the nucleus does not need while nothing happens. A start and a deployment run through
//! much code once, and Linux maps each page of it with the fifteen around; a nucleus that is idle
//! would keep them all.

use rustix::mm::{Advice, madvise};
use std::fs;
use std::io;
use std::ops::Range;

/// Keep some memory between one message and the next: up to 1 MiB at the end of the heap that each
/// busy thread has. glibc begins with an eighth of it, so that each of a stream of messages is given
/// fresh pages; and later takes twice the largest block that was ever freed, up to 64 MiB.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "a function of the C library")]
pub(super) fn keep_spare() {
    // SAFETY: it takes numbers and may be called at any time, from any thread.
    unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 20) };
}

/// Other C libraries know by themselves what to keep.
#[cfg(not(target_env = "gnu"))]
pub(super) fn keep_spare() {}

/// Let go of the pages of this program's code, and of those that the heap holds no data in: compiling
/// a component takes much of it. What is needed again comes back, code from the page cache or from
/// the program's file.
pub(super) fn release() {
    if let Err(error) = release_code() {
        tracing::debug!(%error, "the pages of the program's code stay");
    }
    release_heap();
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "a function of the C library")]
fn release_heap() {
    // SAFETY: it takes a number and may be called at any time, from any thread.
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries give back by themselves what they give back.
#[cfg(not(target_env = "gnu"))]
fn release_heap() {}

fn release_code() -> io::Result<()> {
    let program = fs::read_link("/proc/self/exe")?;
    let maps = fs::read_to_string("/proc/self/maps")?;
    let Some(program) = program.to_str() else { return Ok(()) };
    for range in maps.lines().filter_map(|line| code_of(program, line)) {
        drop_pages(range)?;
    }
    Ok(())
}

/// Where code of the program is, as a line of `proc_pid_maps(5)` says:
/// `begin-end r-xp offset device inode  path`.
fn code_of(program: &str, line: &str) -> Option<Range<usize>> {
    let (head, path) = line.split_at_checked(line.find('/')?)?;
    let mut fields = head.split_whitespace();
    let (begin, end) = fields.next()?.split_once('-')?;
    // What can be written to may have been, and would be lost.
    let is_code = fields.next()? == "r-xp" && path == program;
    let address = |text| usize::from_str_radix(text, 16).ok();
    is_code.then_some(address(begin)?..address(end)?).filter(|range| range.start < range.end)
}

#[expect(unsafe_code, reason = "pages of this process are unmapped")]
fn drop_pages(range: Range<usize>) -> io::Result<()> {
    // SAFETY: the range is one mapping of this program's file that cannot be written to, so that each
    // page is the file's and is read from there again, unchanged, by whoever comes to it.
    unsafe {
        Ok(madvise(
            std::ptr::with_exposed_provenance_mut(range.start),
            range.len(),
            Advice::LinuxDontNeed,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_the_program_and_nothing_else_is_let_go_of() {
        let line =
            |rights, path| format!("5581a000-5581c000 {rights} 00004000 fe:00 1234      {path}");
        let code = |rights, path| code_of("/bin/gg", &line(rights, path));
        assert_eq!(code("r-xp", "/bin/gg"), Some(0x5581_a000..0x5581_c000));
        assert_eq!(code("rw-p", "/bin/gg"), None);
        assert_eq!(code("r--p", "/bin/gg"), None);
        assert_eq!(code("r-xp", "/bin/gg-other"), None);
        assert_eq!(code("r-xp", "/lib/libc.so.6"), None);
        for odd in [
            "",
            "/",
            "x-y r-xp /bin/gg",
            "5-4 r-xp 0 0 0 /bin/gg",
            "7ffd1000-7ffd2000 r-xp 0 00:00 0 [vdso]",
        ] {
            assert_eq!(code_of("/bin/gg", odd), None, "{odd}");
        }
    }

    #[test]
    fn the_program_goes_on() {
        release_code().unwrap();
        release_heap();
        assert!(std::hint::black_box(code_of("a", "b")).is_none());
    }
}
