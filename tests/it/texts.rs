//! Components in the text format, for what no language's toolchain would make.

use std::fmt::Write as _;

/// A service of a core module, whose `run` gives 0 for success.
pub(crate) fn service(core: &str) -> String {
    component(&format!(
        "(core module $m {core})
         (core instance $main (instantiate $m))"
    ))
}

/// A service that does nothing, of a component that also holds other things.
pub(crate) fn service_beside(others: &str) -> String {
    component(&format!(
        "{others}
         (core module $m {RUN})
         (core instance $main (instantiate $m))"
    ))
}

/// A service that imports something before it does nothing.
pub(crate) fn importing(import: &str) -> String {
    service_beside(import)
}

/// A `run` that does nothing.
pub(crate) const RUN: &str = r#"(func (export "run") (result i32) i32.const 0)"#;

fn component(definitions: &str) -> String {
    format!(
        r#"(component
             {definitions}
             (func $run (result (result)) (canon lift (core func $main "run")))
             (instance $exported (export "run" (func $run)))
             (export "wasi:cli/run@0.2.6" (instance $exported)))"#
    )
}

/// So many instances of a module with this body.
pub(crate) fn instances(count: usize, body: &str) -> String {
    let mut text = format!("(core module $small {body})");
    for _ in 0..count {
        let _infallible = write!(text, "(core instance (instantiate $small))");
    }
    service_beside(&text)
}

/// A service that grows a table for as long as it may; fails when it may not once.
pub(crate) const TABLE_BOMB: &str = r#"
    (table $t 1 funcref)
    (func (export "run") (result i32)
      (local $grown i32)
      (loop $again
        (if (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))
          (then
            (local.set $grown (i32.add (local.get $grown) (i32.const 1)))
            (br $again))))
      ;; Success only if it was stopped after some of it.
      (i32.eqz (local.get $grown)))"#;

/// A module that never comes up.
pub(crate) const START_LOOP: &str = r#"
    (func $forever (loop $again (br $again)))
    (start $forever)
    (func (export "run") (result i32) i32.const 0)"#;

/// A command for WASI preview 1, which says hello and ends with a code.
pub(crate) fn preview1(code: u32) -> String {
    format!(
        r#"(module
             (import "wasi_snapshot_preview1" "fd_write"
               (func $fd_write (param i32 i32 i32 i32) (result i32)))
             (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
             (memory (export "memory") 1)
             (data (i32.const 16) "hello from preview 1\n")
             (data (i32.const 0) "\10\00\00\00\15\00\00\00")
             (func (export "_start")
               (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
               (if (i32.const {code}) (then (call $proc_exit (i32.const {code}))))))"#
    )
}
