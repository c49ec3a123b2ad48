// Local topics with the AWS IoT Device SDK for JavaScript. Prints what it sees, a line each.
"use strict";

const { once } = require("node:events");
const { eventstream_rpc, greengrasscoreipc } = require("aws-iot-device-sdk-v2");

const client = greengrasscoreipc.createClient();

const bytes = (text) => ({ binaryMessage: { message: Buffer.from(text) } });

const publish = (topic, publishMessage) => client.publishToTopic({ topic, publishMessage });

async function subscribe(topic) {
  const operation = client.subscribeToTopic({ topic });
  await operation.activate();
  return operation;
}

async function refused(what, call) {
  try {
    await call();
    console.log(what, "allowed");
  } catch (error) {
    // An error that is none of the operation's own is known by its name alone.
    const { _errorCode, message } = error.serviceError ?? { message: error.description };
    console.log(what, eventstream_rpc.RpcErrorType[error.type], _errorCode, message);
  }
}

async function main() {
  await client.connect();

  const relayed = await subscribe("relayed");
  let next = once(relayed, "message");
  await publish("numbers", bytes("9"));
  let [event] = await next;
  const { message, context } = event.jsonMessage;
  console.log("relayed", JSON.stringify(message), "on", context.topic);

  const own = await subscribe("own");
  next = once(own, "message");
  await publish("own", { jsonMessage: { message: { text: "grüße", list: [1, null] } } });
  [event] = await next;
  console.log("own", JSON.stringify(event.jsonMessage.message));
  next = once(own, "message");
  await publish("own", bytes("bytes"));
  [event] = await next;
  const binary = event.binaryMessage;
  console.log("own", Buffer.from(binary.message).toString(), "on", binary.context.topic);
  await own.close();
  await publish("own", bytes("nobody reads it"));
  console.log("closed");

  await refused("publish", () => publish("another", bytes("")));
  await refused("subscribe", () => subscribe("#"));
  await refused("topic", () => publish("own/+", bytes("")));

  // Many at one time, and in order.
  const numbers = [];
  const all = new Promise((resolve) => {
    relayed.on("message", ({ jsonMessage }) => {
      if (numbers.push(jsonMessage.message.number) === 200) resolve();
    });
  });
  await Promise.all(Array.from({ length: 200 }, (_, n) => publish("numbers", bytes(`${n}`))));
  await all;
  console.log("many", numbers.every((number, n) => number === n));

  // Until it is stopped.
  setInterval(() => {}, 1 << 30);
}

main();
