//! Devices that are clients of this one.

use crate::macros::or_empty;
use crate::secret::Secret;

shapes! {
    /// Subscribe to certificates for a server.
    pub struct SubscribeToCertificateUpdatesRequest {
        /// Which certificates.
        pub certificate_options: CertificateOptions,
    }

    /// Certificates follow, the present one first.
    pub struct SubscribeToCertificateUpdatesResponse {}

    /// Which certificates a subscriber wants.
    pub struct CertificateOptions {
        /// For what.
        pub certificate_type: CertificateType,
    }

    /// A certificate, as PEM.
    pub struct CertificateUpdate {
        /// Its private key.
        pub private_key: Secret<String>,
        /// Its public key.
        pub public_key: String,
        /// It.
        pub certificate: String,
        /// Those that it is signed by.
        #[serde(default, deserialize_with = "or_empty")]
        pub ca_certificates: Vec<String>,
    }

    /// Ask whether a certificate is that of a client device.
    pub struct VerifyClientDeviceIdentityRequest {
        /// The certificate.
        pub credential: ClientDeviceCredential,
    }

    /// Whether it is.
    pub struct VerifyClientDeviceIdentityResponse {
        /// Whether.
        pub is_valid_client_device: bool,
    }

    /// Ask for a token for a client device.
    pub struct GetClientDeviceAuthTokenRequest {
        /// What it shows.
        pub credential: CredentialDocument,
    }

    /// A token for a client device.
    pub struct GetClientDeviceAuthTokenResponse {
        /// The token.
        pub client_device_auth_token: Secret<String>,
    }

    /// What a client device shows when it connects by MQTT.
    #[derive(Default)]
    pub struct MQTTCredential {
        /// Its name as a client.
        pub client_id: Option<String>,
        /// Its certificate, as PEM.
        pub certificate_pem: Option<String>,
        /// Its name as a user.
        pub username: Option<String>,
        /// Its password.
        pub password: Option<Secret<String>>,
    }

    /// Ask whether a client device may do something.
    pub struct AuthorizeClientDeviceActionRequest {
        /// Its token.
        pub client_device_auth_token: Secret<String>,
        /// What it wants to do.
        pub operation: String,
        /// With what.
        pub resource: String,
    }

    /// Whether it may.
    pub struct AuthorizeClientDeviceActionResponse {
        /// Whether.
        pub is_authorized: bool,
    }
}

unions! {
    /// What shows who a client device is.
    pub enum ClientDeviceCredential {
        /// Its certificate, as PEM.
        ClientDeviceCertificate(String) = "clientDeviceCertificate",
    }

    /// What a client device shows.
    pub enum CredentialDocument {
        /// When it connects by MQTT.
        MqttCredential(MQTTCredential) = "mqttCredential",
    }

    /// What a subscriber gets.
    pub enum CertificateUpdateEvent {
        /// A certificate.
        CertificateUpdate(CertificateUpdate) = "certificateUpdate",
    }
}

words! {
    /// What a certificate is for.
    pub enum CertificateType {
        /// A server.
        Server = "SERVER",
    }
}
