use super::prometheus::Exposition;
use super::*;
use std::collections::BTreeMap;
use std::time::Duration;

fn figures() -> Figures {
    let component = |name: &str, cpu_seconds| ComponentFigures {
        component_name: name.to_owned(),
        version: "1.0.0".to_owned(),
        runtime: "wasm".to_owned(),
        state: "RUNNING".to_owned(),
        paused: false,
        starts: 3,
        errors: 1,
        cpu_seconds,
        memory_bytes: Some(1 << 20),
        processes: None,
        messages_published: 7,
        messages_delivered: 0,
        messages_dropped: 0,
        log_records_dropped: 2,
        reported: vec![Reported { name: "Lag \"1\"".into(), unit: "SECONDS".into(), sum: 4.5 }],
    };
    Figures {
        time: 10_000,
        thing_name: "a \"thing\" \\ \n".to_owned(),
        nucleus: NucleusFigures {
            version: "0.1.0".to_owned(),
            uptime_seconds: 2.5,
            cpu_seconds: Some(0.25),
            memory_bytes: None,
            deployments: BTreeMap::from([("failed".to_owned(), 1), ("succeeded".to_owned(), 4)]),
            store_commits: 9,
            link: Some(LinkFigures { up: true, received: 7, ..LinkFigures::default() }),
            spool: Some(SpoolFigures {
                messages: 3,
                lost: BTreeMap::from([("expired".to_owned(), 2)]),
                ..SpoolFigures::default()
            }),
        },
        components: vec![component("a", Some(1.5)), component("b", None)],
        models: vec![ModelFigures {
            model_name: "m".to_owned(),
            version: "2.0.0".to_owned(),
            backend: Some("tract".to_owned()),
            calls: 5,
            seconds: 0.5,
            ..ModelFigures::default()
        }],
    }
}

#[test]
fn a_component_has_its_counters_until_it_is_forgotten() {
    let registry = Registry::default();
    let name = "a".parse().unwrap();
    registry.of(&name).published.add(2);
    registry.clone().of(&name).published.add(1);
    assert_eq!(registry.of(&name).published.total(), 3);
    registry.forget(&name);
    assert_eq!(registry.of(&name).published.total(), 0);
}

#[test]
fn what_the_kernel_says_of_a_process_is_read() {
    let stat = "7 (a) R 1) S 1 7 7 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 5 999 25 0";
    let usage = Usage::from_stat(stat, (100, 4096)).unwrap();
    assert_eq!(usage.cpu, Some(Duration::from_secs(2)));
    assert_eq!(usage.memory, Some(25 * 4096));
    assert_eq!(Usage::from_stat("7 (a) S 1", (100, 4096)), None);
    assert!(Usage::of_process(None).memory.unwrap() > 0);
    assert_eq!(Usage::of_process(Some(-1)), Usage::default());
    let both: Usage = [usage, Usage { cpu: None, ..usage }].into_iter().sum();
    assert_eq!((both.cpu, both.processes), (usage.cpu, Some(2)));
}

#[test]
fn text_for_prometheus_has_its_form() {
    let text = Exposition::Prometheus.write(&families(&figures()));
    let lines: Vec<&str> = text.lines().collect();
    for line in [
        "# TYPE gg_component_restarts_total counter",
        "gg_component_restarts_total{component=\"a\"} 2",
        "gg_component_memory_bytes{component=\"b\"} 1048576",
        "gg_component_state{component=\"a\",state=\"RUNNING\"} 1",
        "gg_component_info{component=\"a\",version=\"1.0.0\",runtime=\"wasm\"} 1",
        "gg_nucleus_deployments_total{outcome=\"succeeded\"} 4",
        "gg_nucleus_info{version=\"0.1.0\",thing=\"a \\\"thing\\\" \\\\ \\n\"} 1",
        "gg_component_reported_total{component=\"a\",metric=\"Lag \\\"1\\\"\",unit=\"SECONDS\"} 4.5",
        "process_cpu_seconds_total 0.25",
        "gg_link_up 1",
        "gg_link_messages_received_total 7",
        "gg_spool_messages 3",
        "gg_spool_messages_lost_total{reason=\"expired\"} 2",
        "gg_model_info{model=\"m\",version=\"2.0.0\",backend=\"tract\"} 1",
        "gg_model_calls_total{model=\"m\"} 5",
        "gg_model_seconds_total{model=\"m\"} 0.5",
        "gg_model_loaded{model=\"m\"} 0",
    ] {
        assert!(lines.contains(&line), "{line}\n{text}");
    }
    assert!(!text.contains("gg_component_cpu_seconds_total{component=\"b\"}"), "not known");
    assert!(!text.contains("gg_component_processes"), "a family without samples is left out");
    assert!(text.ends_with('\n'));
}

#[test]
fn who_asks_for_openmetrics_gets_it() {
    let asked = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5";
    assert_eq!(Exposition::accepted(asked), Exposition::OpenMetrics);
    for other in ["", "*/*", "text/plain"] {
        assert_eq!(Exposition::accepted(other), Exposition::Prometheus);
    }
    let text = Exposition::OpenMetrics.write(&families(&figures()));
    assert!(text.ends_with("# EOF\n"));
    assert!(text.contains("# TYPE gg_component_restarts counter\n"), "{text}");
    assert!(text.contains("\ngg_component_restarts_total{component=\"a\"} 2\n"), "{text}");
}

#[test]
fn opentelemetry_has_a_resource_for_the_nucleus_and_for_each_component() {
    let request = otlp::request(&figures());
    let resources = request["resourceMetrics"].as_array().unwrap();
    assert_eq!(resources.len(), 3);
    let name = |place: usize| &resources[place]["resource"]["attributes"][0];
    assert_eq!(name(0)["value"]["stringValue"], "gg-host");
    assert_eq!(
        (&name(1)["key"], &name(1)["value"]["stringValue"]),
        (&"service.name".into(), &"a".into())
    );
    let metric = |place: usize, name: &str| {
        let all = resources[place]["scopeMetrics"][0]["metrics"].as_array().unwrap();
        all.iter().find(|metric| metric["name"] == name).cloned()
    };
    let cpu = metric(1, "process.cpu.time").unwrap();
    assert_eq!(cpu["sum"]["dataPoints"][0]["asDouble"], 1.5);
    assert_eq!((&cpu["sum"]["isMonotonic"], &cpu["unit"]), (&true.into(), &"s".into()));
    assert_eq!(metric(2, "process.cpu.time"), None, "not known");
    let sent = metric(1, "messaging.client.sent.messages").unwrap();
    let point = &sent["sum"]["dataPoints"][0];
    assert_eq!(point["asInt"], "7");
    assert_eq!(point["timeUnixNano"], "10000000000");
    assert_eq!(point["startTimeUnixNano"], "7500000000");
    assert_eq!(sent["sum"]["aggregationTemporality"], 2);
    let reported = &resources[1]["scopeMetrics"][1];
    assert_eq!(reported["scope"]["name"], "a", "the namespace is the component's name");
    let lag = &reported["metrics"][0];
    assert_eq!((&lag["name"], &lag["unit"]), (&"Lag \"1\"".into(), &"s".into()));
    assert_eq!(lag["sum"]["dataPoints"][0]["asDouble"], 4.5);
    let outcomes = metric(0, "gg.nucleus.deployments").unwrap();
    assert_eq!(outcomes["sum"]["dataPoints"].as_array().unwrap().len(), 2);
    assert!(metric(0, "gg.link.up").is_some());
    let calls = metric(0, "gg.model.calls").unwrap();
    assert_eq!(calls["sum"]["dataPoints"][0]["asInt"], "5");
    assert_eq!(metric(0, "gg.model.memory"), None, "not known");
    let waiting = metric(0, "gg.spool.messages").unwrap();
    assert_eq!(waiting["gauge"]["dataPoints"][0]["asInt"], "3");
    let lost = metric(0, "gg.spool.messages.lost").unwrap();
    assert_eq!(lost["sum"]["dataPoints"][0]["asInt"], "2");
}
