//! Door for components outside the sandbox: passwords in Greengrass IPC.

use super::{DebugPasswords, USER};
use crate::capability::caller::Caller;
use crate::capability::door::Served;
use gg_ipc::shapes::CreateDebugPasswordResponse;
use gg_ipc::{Secret, Timestamp};

/// CreateDebugPassword. There is no TLS here, and so no certificate to tell of.
pub(crate) fn create(
    passwords: &DebugPasswords,
    caller: &Caller,
) -> Served<CreateDebugPasswordResponse> {
    let password = passwords.create(caller)?;
    Ok(CreateDebugPasswordResponse {
        password: Secret::new(password.text),
        username: USER.to_owned(),
        password_expiration: Timestamp::from_millis(password.expires),
        certificate_sha256_hash: None,
        certificate_sha1_hash: None,
    })
}
