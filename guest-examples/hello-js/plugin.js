// The smallest useful plugin in JavaScript: routes, a widget, functions, a log line and a counter in the cache.
// `../hello-py` and `../hello-go` are the same plugin in Python and Go, and answer the same.

import log from "goatherd:plugin/log@0.1.0";
import context from "goatherd:plugin/context@0.1.0";
import cacheRead from "goatherd:plugin/cache-read@0.1.0";
import cacheWrite from "goatherd:plugin/cache-write@0.1.0";
import random from "wasi:random/random@0.2.0";

const NAME = "hello-js";

// What every plugin exports.
export const guest = {
  // Says what the plugin is. It runs before anything is granted, so it calls no host function.
  register() {
    return {
      name: NAME,
      version: "0.1.0",
      description: "Greets, and counts its visits in the cache",
      author: "Goatherd",
      license: "Apache-2.0",
      homepage: null,
      minHostVersion: null,
      resources: {
        limits: [],
        permissions: [{ kind: { tag: "cache" }, access: { tag: "readwrite" }, scope: [] }],
      },
      contributions: [
        route("hello", ["get", "post"], "Greets whom `name` names, in the query or in the JSON body"),
        route("ticket", ["get"], "Draws a ticket"),
        {
          tag: "widget",
          val: {
            id: "visits",
            title: "Visits",
            description: "How many were greeted",
            handler: "visits",
            location: { tag: "agent-home" },
            size: { tag: "small" },
            order: 0,
            refreshable: true,
            refreshSec: 30,
          },
        },
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

  // What other plugins can call, and `goatherd call`. An error is thrown as the `error` variant of the contract. What a
  // host function throws has that variant as its `payload`; letting it pass hands it to the caller unchanged.
  call(name, args) {
    switch (name) {
      case "hello":
        return JSON.stringify(hello(JSON.parse(args)?.name));
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

// What a plugin with routes exports.
export const routeHandler = {
  handle(handler, request) {
    switch (handler) {
      case "hello": {
        const name = request.method.tag === "post" ? json(request.body)?.name : parameter(request, "name");
        return answer(hello(name));
      }
      case "ticket":
        return answer(ticket());
      default:
        throw { tag: "not-found", val: `${NAME} has no handler "${handler}"` };
    }
  },
};

// What a plugin with widgets exports. A widget is a fragment of HTML.
export const widgetHandler = {
  render(handler, widget) {
    const visits = cacheRead.get("visits");
    return `<p>Visits: ${visits === null ? 0 : text(visits)}</p>`;
  },
};

function route(handler, methods, description) {
  return {
    tag: "route",
    val: {
      methods: methods.map((tag) => ({ tag })),
      path: `/api/plugins/${NAME}/${handler}`,
      handler: { tag: "function", val: handler },
      // A greeting is no secret; without this, visitors would have to sign in.
      middleware: [{ tag: "public" }],
      description,
      maxBodyBytes: 1024,
    },
  };
}

function answer(value) {
  return { status: null, headers: [], body: { tag: "json", val: JSON.stringify(value) } };
}

function hello(name) {
  name ??= "world";
  if (typeof name !== "string") {
    throw { tag: "invalid-argument", val: "name must be a string" };
  }

  // In one step, so that no visit is lost, and never forgotten.
  const visits = cacheWrite.increment("visits", 1, null);
  log.log("info", "greeted", [["name", name], ["visits", String(visits)]]);
  return { greeting: `Hello, ${name}!`, visits, language: context.language() };
}

// The first value of a parameter of the query; undefined where there is none.
function parameter(request, name) {
  return request.query.find(([parameter]) => parameter === name)?.[1];
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

function json(body) {
  try {
    return JSON.parse(text(body));
  } catch {
    throw { tag: "invalid-argument", val: "the body is not JSON" };
  }
}

// Bodies and cached values are bytes, and QuickJS has no TextDecoder. Bytes that are no UTF-8 make it throw.
function text(bytes) {
  const percent = (byte) => `%${byte.toString(16).padStart(2, "0")}`;
  return decodeURIComponent(Array.from(bytes, percent).join(""));
}
