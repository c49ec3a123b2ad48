use super::*;

#[test]
fn all_operations_of_the_model_are_here() {
    let (model, own): (Vec<Operation>, Vec<_>) = Operation::ALL
        .iter()
        .partition(|operation| operation.name().starts_with("aws.greengrass#"));
    assert_eq!(model.len(), 35);
    assert!(own.iter().all(|operation| operation.name().starts_with("gg.host#")));
    for operation in Operation::ALL.iter().copied() {
        assert_eq!(Operation::by_name(operation.name()), Some(operation));
        // So it is for all of them.
        assert_eq!(operation.request_type(), format!("{}Request", operation.name()));
        assert_eq!(operation.response_type(), format!("{}Response", operation.name()));
    }
}

#[test]
fn names_are_whole_and_exact() {
    assert_eq!(Operation::PublishToTopic.name(), "aws.greengrass#PublishToTopic");
    for name in ["", "PublishToTopic", "aws.greengrass#publishtotopic", "aws.greengrass#"] {
        assert_eq!(Operation::by_name(name), None);
    }
}

#[test]
fn subscriptions_stream_and_nothing_else_does() {
    for operation in Operation::ALL.iter().copied() {
        let subscribes = operation.name().contains("#SubscribeTo");
        assert_eq!(operation.is_streaming(), subscribes, "{operation:?}");
    }
    #[rustfmt::skip]
    let events = [
        (Operation::SubscribeToCertificateUpdates, "CertificateUpdateEvent"),
        (Operation::SubscribeToComponentUpdates, "ComponentUpdatePolicyEvents"),
        (Operation::SubscribeToConfigurationUpdate, "ConfigurationUpdateEvents"),
        (Operation::SubscribeToIoTCore, "IoTCoreMessage"),
        (Operation::SubscribeToIoTCoreConnectionStatus, "IoTCoreConnectionStatusEvent"),
        (Operation::SubscribeToTopic, "SubscriptionResponseMessage"),
        (Operation::SubscribeToValidateConfigurationUpdates, "ValidateConfigurationUpdateEvents"),
    ];
    for (operation, event) in events {
        assert_eq!(operation.event_type(), Some(&*format!("aws.greengrass#{event}")));
    }
    let own = Operation::SubscribeToLocalDeploymentStatus.event_type();
    assert_eq!(own, Some("gg.host#LocalDeploymentStatusEvents"));
}

#[test]
fn every_operation_is_visited() {
    struct Collect(Vec<Operation>);
    impl Visitor for Collect {
        fn visit<C: Call>(&mut self) {
            self.0.push(C::OPERATION);
        }
    }
    let mut seen = Collect(Vec::new());
    visit(&mut seen);
    assert_eq!(seen.0, Operation::ALL);
}
