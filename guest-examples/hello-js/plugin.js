// The smallest useful plugin in JavaScript: two functions with their routes, a log line and a counter in the cache.
// `../hello-py` and `../hello-go` are the same plugin in Python and Go, and answer the same.

import log from "goatherd:plugin/log@0.1.0";
import context from "goatherd:plugin/context@0.1.0";
import cacheRead from "goatherd:plugin/cache-read@0.1.0";
import cacheWrite from "goatherd:plugin/cache-write@0.1.0";
import random from "wasi:random/random@0.2.0";

const NAME = "hello-js";

export const guest = {
  // Says what the plugin is. It runs before anything is granted, so it calls no host function.
  register() {
    return {
      name: NAME,
      version: "0.1.0",
      description: "Greets, and counts its visits in the cache",
      author: "Goatherd",
      license: "Apache-2.0",
      homepage: "",
      minHostVersion: null,
      resources: {
        memoryMb: null,
        callTimeoutMs: null,
        initTimeoutMs: null,
        shutdownTimeoutMs: null,
        permissions: [{ kind: "cache", access: "readwrite", scope: [] }],
      },
      contributions: [
        route("hello", "Greets whom the parameter `name` names"),
        route("ticket", "Draws a ticket"),
      ],
    };
  },

  // Runs once in each instance.
  init() {
    // The state that `Math.random` starts from was made when the component was built, so every instance of it would draw the
    // same numbers.
    Math.random = randomFraction;
    log.log("info", `ready at ${new Date().toISOString()}`, []);
  },

  // An error is thrown as the `error` variant of the contract. Errors that host functions throw are of the same form,
  // so letting them pass hands them to the caller unchanged.
  call(name, args) {
    switch (name) {
      case "hello":
        return JSON.stringify(hello(JSON.parse(args)));
      case "ticket":
        return JSON.stringify(ticket());
      case "fail":
        return fail();
      default:
        throw { tag: "not-found", val: `${NAME} has no function "${name}"` };
    }
  },

  shutdown() {},
};

function route(handler, description) {
  return {
    tag: "route",
    val: {
      method: "GET",
      path: `/api/plugins/${NAME}/${handler}`,
      handler,
      // A greeting is no secret; without this, visitors would have to sign in.
      middleware: ["public"],
      description,
    },
  };
}

// Called directly it gets `{"name"}`, through its route `{"query": {"name"}, …}`.
function hello(args) {
  const name = args?.name ?? args?.query?.name ?? "world";
  if (typeof name !== "string") {
    throw { tag: "invalid-argument", val: "name must be a string" };
  }

  const visits = countVisit();
  log.log("info", "greeted", [["name", name], ["visits", String(visits)]]);
  return { greeting: `Hello, ${name}!`, visits, language: context.language() };
}

// `ticket` cannot be guessed; `lot` is an ordinary random number.
function ticket() {
  const hex = Array.from(random.getRandomBytes(16), (byte) => byte.toString(16).padStart(2, "0"));
  return { ticket: hex.join(""), lot: Math.random(), drawn: new Date().toISOString() };
}

// From 0 up to 1, with as many random bits as six bytes have.
function randomFraction() {
  return random.getRandomBytes(6).reduce((number, byte) => number * 256 + byte, 0) / 2 ** 48;
}

// A bug, to see where one is read: the error that the call ends with, and the log, have the message and this line.
function fail() {
  throw new Error("a bug");
}

// Two calls at the same time may count as one: the cache has no atomic addition. What must be exact belongs into the
// database.
function countVisit() {
  const stored = cacheRead.get("visits");
  const visits = (stored === null ? 0 : Number(text(stored))) + 1;
  cacheWrite.set("visits", bytes(String(visits)), 0);
  return visits;
}

// Cached values are bytes, and QuickJS has no TextEncoder. Digits are ASCII, so this is enough here.
function bytes(digits) {
  return Uint8Array.from(digits, (digit) => digit.charCodeAt(0));
}

function text(bytes) {
  return String.fromCharCode(...bytes);
}
