//! Where the data plane of Greengrass is.

/// Where a device asks for components (Greengrass developer guide, "Greengrass nucleus").
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DataPlaneSettings {
    /// `greengrassDataPlaneEndpoint`: a host, or `iotdata` for that of the broker; AWS's in the device's
    /// region when `None`.
    pub endpoint: Option<String>,
    /// `greengrassDataPlanePort`; 8443 when `None`.
    pub port: Option<u16>,
}
