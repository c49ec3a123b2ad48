// Configuration with the AWS IoT Device SDK for JavaScript. Prints what it sees, a line each.
"use strict";

const { once } = require("node:events");
const { eventstream_rpc, greengrasscoreipc } = require("aws-iot-device-sdk-v2");

const client = greengrasscoreipc.createClient();

const get = async (keyPath, componentName) =>
  JSON.stringify((await client.getConfiguration({ keyPath, componentName })).value);

const update = (keyPath, valueToMerge, timestamp = new Date()) =>
  client.updateConfiguration({ keyPath, valueToMerge, timestamp });

async function refused(what, call) {
  try {
    await call();
    console.log(what, "allowed");
  } catch (error) {
    // An error that is none of the operation's own is known by its name alone.
    const code = error.serviceError?._errorCode ?? error.description;
    console.log(what, eventstream_rpc.RpcErrorType[error.type], code);
  }
}

async function main() {
  await client.connect();
  console.log("all", await get([]));
  const leaf = await client.getConfiguration({ keyPath: ["mode"] });
  console.log("leaf", JSON.stringify(leaf.value), "of", leaf.componentName);
  console.log("container", await get(["nested"]));
  await refused("missing", () => get(["nested", "none"]));
  await refused("another's", () => get([], "com.example.Relay"));
  await refused("protected", () => update(["accessControl"], { a: 1 }));

  const changes = client.subscribeToConfigurationUpdate({ keyPath: [] });
  await changes.activate();
  const next = once(changes, "message");
  const changed = ({ configurationUpdateEvent: { componentName, keyPath } }) =>
    console.log("changed", componentName, JSON.stringify(keyPath));
  changes.on("message", changed);
  await update(["nested"], { new: { a: null } });
  await next;
  console.log("new", await get(["nested", "new"]));
  await refused("old", () => update(["nested", "new"], { a: 2 }, new Date(1000_000)));

  const proposals = client.subscribeToValidateConfigurationUpdates({});
  await proposals.activate();
  proposals.on("message", async ({ validateConfigurationUpdateEvent: proposed }) => {
    const wild = proposed.configuration.Mode === "wild";
    await client.sendConfigurationValidityReport({
      configurationValidityReport: {
        status: wild ? "REJECTED" : "ACCEPTED",
        deploymentId: proposed.deploymentId,
        message: wild ? "too wild for me" : undefined,
      },
    });
  });
  console.log("ready");

  // Until it is stopped.
  setInterval(() => {}, 1 << 30);
}

main();
