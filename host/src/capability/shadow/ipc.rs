//! Door for components outside the sandbox: shadows in Greengrass IPC.

use super::Shadows;
use crate::capability::caller::Caller;
use crate::capability::door::{Served, about};
use crate::error::Error;
use gg_ipc::shapes::{
    DeleteThingShadowRequest, DeleteThingShadowResponse, GetThingShadowRequest,
    GetThingShadowResponse, ListNamedShadowsForThingRequest, ListNamedShadowsForThingResponse,
    UpdateThingShadowRequest, UpdateThingShadowResponse,
};
use gg_ipc::{Blob, OperationError, Timestamp};

/// GetThingShadow.
pub(crate) async fn get(
    shadows: &Shadows,
    caller: &Caller,
    request: GetThingShadowRequest,
) -> Served<GetThingShadowResponse> {
    let (thing, name) = (Some(request.thing_name.as_str()), request.shadow_name.as_deref());
    let document = shadows.get(caller, thing, name).await.map_err(about_shadow(name))?;
    Ok(GetThingShadowResponse { payload: document.into_bytes().into() })
}

/// UpdateThingShadow.
pub(crate) async fn update(
    shadows: &Shadows,
    caller: &Caller,
    request: UpdateThingShadowRequest,
) -> Served<UpdateThingShadowResponse> {
    let (thing, name) = (Some(request.thing_name.as_str()), request.shadow_name.as_deref());
    let document = shadows.update(caller, thing, name, &request.payload.0).await?;
    Ok(UpdateThingShadowResponse { payload: document.into_bytes().into() })
}

/// DeleteThingShadow. Greengrass answers with nothing.
pub(crate) async fn delete(
    shadows: &Shadows,
    caller: &Caller,
    request: DeleteThingShadowRequest,
) -> Served<DeleteThingShadowResponse> {
    let (thing, name) = (Some(request.thing_name.as_str()), request.shadow_name.as_deref());
    shadows.delete(caller, thing, name).await.map_err(about_shadow(name))?;
    Ok(DeleteThingShadowResponse { payload: Blob::default() })
}

/// ListNamedShadowsForThing.
pub(crate) async fn list(
    shadows: &Shadows,
    caller: &Caller,
    request: ListNamedShadowsForThingRequest,
) -> Served<ListNamedShadowsForThingResponse> {
    let (thing, after) = (Some(request.thing_name.as_str()), request.next_token.as_deref());
    let names = shadows.list(caller, thing, request.page_size, after).await?;
    Ok(ListNamedShadowsForThingResponse {
        results: names.names,
        timestamp: Timestamp::from_millis(names.at),
        next_token: names.next,
    })
}

fn about_shadow(name: Option<&str>) -> impl FnOnce(Error) -> OperationError {
    move |error| about("shadow", name.unwrap_or_default(), error)
}
