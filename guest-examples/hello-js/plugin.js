// The smallest useful plugin in JavaScript: one function, one route, a log line and a counter in the cache.
// `../hello-py` is the same plugin in Python, and answers the same.

import log from "goatherd:plugin/log@0.1.0";
import context from "goatherd:plugin/context@0.1.0";
import cacheRead from "goatherd:plugin/cache-read@0.1.0";
import cacheWrite from "goatherd:plugin/cache-write@0.1.0";

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
        {
          tag: "route",
          val: {
            method: "GET",
            path: `/api/plugins/${NAME}/hello`,
            handler: "hello",
            // A greeting is no secret; without this, visitors would have to sign in.
            middleware: ["public"],
            description: "Greets whom the parameter `name` names",
          },
        },
      ],
    };
  },

  init() {},

  // An error is thrown as the `error` variant of the contract. Errors that host functions throw are of the same form,
  // so letting them pass hands them to the caller unchanged.
  call(name, args) {
    switch (name) {
      case "hello":
        return JSON.stringify(hello(JSON.parse(args)));
      default:
        throw { tag: "not-found", val: `${NAME} has no function "${name}"` };
    }
  },

  shutdown() {},
};

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
