//! Door for components outside the sandbox: topics of AWS IoT Core of Greengrass IPC.

use super::Mqtt;
use crate::capability::caller::Caller;
use crate::capability::door::{Follow, Served};
use crate::cloud::{self, LinkState, Publication};
use futures_util::stream::unfold;
use gg_ipc::shapes::{
    ConnectionStatus, ConnectionStatusEvent, IoTCoreConnectionStatusEvent, IoTCoreMessage,
    MQTTMessage, PayloadFormat, PublishToIoTCoreRequest, PublishToIoTCoreResponse, Qos,
    SubscribeToIoTCoreConnectionStatusResponse, SubscribeToIoTCoreRequest,
    SubscribeToIoTCoreResponse, UserProperty,
};
use std::sync::Arc;

/// PublishToIoTCore.
pub(crate) fn publish(
    mqtt: &Mqtt,
    caller: &Caller,
    request: PublishToIoTCoreRequest,
) -> impl Future<Output = Served<PublishToIoTCoreResponse>> {
    let publication = Arc::new(publication(request));
    async move {
        mqtt.publish(caller, publication).await?;
        Ok(PublishToIoTCoreResponse {})
    }
}

fn publication(request: PublishToIoTCoreRequest) -> Publication {
    let properties = request.user_properties.into_iter();
    Publication {
        topic: request.topic_name,
        payload: request.payload.0,
        qos: qos(request.qos),
        retain: request.retain.unwrap_or_default(),
        payload_format: request.payload_format.map(|format| match format {
            PayloadFormat::Bytes => cloud::PayloadFormat::Bytes,
            PayloadFormat::Utf8 => cloud::PayloadFormat::Utf8,
        }),
        content_type: request.content_type,
        response_topic: request.response_topic,
        correlation_data: request.correlation_data.map(|data| data.0),
        message_expiry: request.message_expiry_interval_seconds,
        user_properties: properties.map(|UserProperty { key, value }| (key, value)).collect(),
        ..Publication::default()
    }
}

/// SubscribeToIoTCore.
pub(crate) async fn subscribe(
    mqtt: &Mqtt,
    caller: &Caller,
    request: SubscribeToIoTCoreRequest,
) -> Served<(SubscribeToIoTCoreResponse, Follow<IoTCoreMessage>)> {
    // Its SDKs know no queue, and expect one without an end.
    let capacity = Some(caller.limits().queue);
    let (filter, qos) = (&request.topic_name, qos(request.qos));
    let subscription = mqtt.subscribe(caller, filter, qos, capacity).await?;
    let events = unfold(subscription, async |mut subscription| {
        let message = subscription.next().await?;
        Some((event(&message), subscription))
    });
    Ok((SubscribeToIoTCoreResponse {}, Box::pin(events)))
}

/// SubscribeToIoTCoreConnectionStatus: how the connection stands, and each change of that.
pub(crate) fn status(
    mqtt: &Mqtt,
    caller: &Caller,
) -> Served<(SubscribeToIoTCoreConnectionStatusResponse, Follow<IoTCoreConnectionStatusEvent>)> {
    let (mut state, stop) = (mqtt.watch()?, caller.stop().clone());
    state.mark_changed();
    let events = unfold((state, None), move |(mut state, told)| {
        let stop = stop.clone();
        async move {
            loop {
                tokio::select! {
                    changed = state.changed() => changed.ok()?,
                    () = stop.cancelled() => return None,
                }
                let up = *state.borrow_and_update() == LinkState::Up;
                // Why there is none may change, and that there is none not.
                if told != Some(up) {
                    let status = if up {
                        ConnectionStatus::Connected
                    } else {
                        ConnectionStatus::Disconnected
                    };
                    let event = ConnectionStatusEvent { status };
                    let event = IoTCoreConnectionStatusEvent::ConnectionStatusEvent(event);
                    return Some((event, (state, Some(up))));
                }
            }
        }
    });
    Ok((SubscribeToIoTCoreConnectionStatusResponse {}, Box::pin(events)))
}

fn qos(qos: Qos) -> cloud::Qos {
    match qos {
        Qos::AtMostOnce => cloud::Qos::AtMostOnce,
        Qos::AtLeastOnce => cloud::Qos::AtLeastOnce,
    }
}

fn event(message: &Publication) -> IoTCoreMessage {
    let properties = message.user_properties.iter().cloned();
    IoTCoreMessage::Message(MQTTMessage {
        topic_name: message.topic.clone(),
        payload: Some(message.payload.clone().into()),
        retain: Some(message.retain),
        user_properties: properties.map(|(key, value)| UserProperty { key, value }).collect(),
        message_expiry_interval_seconds: message.message_expiry,
        correlation_data: message.correlation_data.clone().map(Into::into),
        response_topic: message.response_topic.clone(),
        payload_format: message.payload_format.map(|format| match format {
            cloud::PayloadFormat::Bytes => PayloadFormat::Bytes,
            cloud::PayloadFormat::Utf8 => PayloadFormat::Utf8,
        }),
        content_type: message.content_type.clone(),
    })
}
