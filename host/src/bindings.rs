//! The host's side of the WIT package `gg:host`: the only `bindgen!`, and nothing else.
//!
//! Resources are numbers here; the doors give them a meaning.

#![expect(missing_docs, reason = "generated from documented WIT")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "gg:host/everything",
    imports: {
        default: trappable,
        "gg:host/pubsub.publish": async | trappable,
        "gg:host/pubsub.next-any": async | trappable,
        "gg:host/pubsub.[method]subscription.next": async | trappable,
        "gg:host/pubsub.[method]subscription.next-timeout": async | trappable,
        "gg:host/inference.describe": async | trappable,
        "gg:host/inference.run": async | trappable,
        "gg:host/mqtt.publish": async | trappable,
        "gg:host/mqtt.subscribe": async | trappable,
        "gg:host/mqtt.[method]subscription.next": async | trappable,
        "gg:host/mqtt.[method]subscription.next-timeout": async | trappable,
        "gg:host/secrets.get": async | trappable,
        "gg:host/secrets.refresh": async | trappable,
        "gg:host/shadow.get": async | trappable,
        "gg:host/shadow.update": async | trappable,
        "gg:host/shadow.delete": async | trappable,
        "gg:host/shadow.list-named": async | trappable,
        "gg:host/shadow.[method]deltas.next": async | trappable,
        "gg:host/shadow.[method]deltas.next-timeout": async | trappable,
        "gg:host/configuration.update": async | trappable,
        "gg:host/configuration.[method]watcher.next": async | trappable,
        "gg:host/configuration.[method]watcher.next-timeout": async | trappable,
        "wasi:nn/graph.load": async | trappable,
        "wasi:nn/graph.load-by-name": async | trappable,
        "wasi:nn/inference.[method]graph-execution-context.compute": async | trappable,
    },
    exports: { default: async },
    trappable_error_type: { "gg:host/types.error" => crate::error::Error },
    ownership: Borrowing { duplicate_if_necessary: true },
    require_store_data_send: true,
});
