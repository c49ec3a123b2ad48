//! The integration tests: one program, a module for each thing that a user would notice.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod aws;
mod broker;
mod cache;
mod cli;
mod clock;
mod cloud_loop;
mod containers;
mod crash;
mod deployed_models;
mod device;
mod docs;
mod doctor;
mod doors;
mod engine;
mod fetching;
mod host;
mod inspect;
mod ipc;
mod jobs;
mod lies;
mod limits;
mod link;
mod logs;
mod metrics;
mod model;
mod native;
mod new;
mod nucleus;
mod output;
mod own;
mod predictions;
mod provision;
mod published;
mod registry;
mod run;
mod samples;
mod sandbox;
mod sdk;
mod serving;
mod shadow_sync;
mod shadows;
mod signing;
mod spooled;
mod texts;
mod threeways;
mod tidy;
mod tls;
mod token;
mod trust;
mod wasi3;
mod wasm_files;
mod watch;
