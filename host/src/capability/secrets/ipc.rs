//! Door for components outside the sandbox: secrets in Greengrass IPC.

use super::{Secrets, Selector};
use crate::capability::caller::Caller;
use crate::capability::door::{Served, about};
use crate::error::{Error, ErrorKind};
use gg_ipc::shapes::{GetSecretValueRequest, GetSecretValueResponse, SecretValue};
use gg_ipc::{Blob, ErrorCode, OperationError, Secret};

/// GetSecretValue.
pub(crate) async fn get(
    secrets: &Secrets,
    caller: &Caller,
    request: GetSecretValueRequest,
) -> Served<GetSecretValueResponse> {
    let GetSecretValueRequest { secret_id, version_id, version_stage, refresh } = request;
    let failed = |error: Error| match error.kind() {
        // The model of Greengrass has no other word for it here.
        ErrorKind::InvalidArgument => OperationError::new(ErrorCode::Service, error.message()),
        _ => about("secret", &secret_id, error),
    };
    let which = match (version_id, version_stage) {
        (None, None) => Selector::default(),
        (Some(id), None) => Selector::Version(id),
        (None, Some(stage)) => Selector::Stage(stage),
        (Some(_), Some(_)) => {
            let reason = "a version is named by its id or by its stage, not by both";
            return Err(failed(Error::invalid(reason)));
        }
    };
    let found = match (&which, refresh) {
        // A version does not change.
        (Selector::Stage(_), Some(true)) => secrets.refresh(caller, &secret_id, &which).await,
        _ => secrets.get(caller, &secret_id, &which).await,
    };
    let found = found.map_err(failed)?;
    let value = secrets.reveal(caller, &found).map_err(failed)?;
    let head = found.head();
    Ok(GetSecretValueResponse {
        secret_id: head.key().to_owned(),
        version_id: head.version.clone(),
        version_stage: head.stages.clone(),
        secret_value: match value {
            gg_model::SecretValue::Bytes(bytes) => {
                SecretValue::SecretBinary(Secret::new(Blob::from(bytes.to_vec())))
            }
            gg_model::SecretValue::Text(text) => {
                SecretValue::SecretString(Secret::new(text.to_string()))
            }
        },
    })
}
