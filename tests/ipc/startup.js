// A step `startup` that says itself when it is up, and goes on.
"use strict";

const { greengrasscoreipc } = require("aws-iot-device-sdk-v2");

async function main() {
  const client = greengrasscoreipc.createClient();
  await client.connect();
  await client.updateState({ state: "RUNNING" });
  console.log("said so");
  setInterval(() => {}, 1 << 30);
}

main();
