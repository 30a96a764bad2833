// The smallest useful plugin in JavaScript: a route, a widget, a function, a log line and a counter in the cache.
// `../hello-py` is the same plugin in Python, and answers the same.

import log from "goatherd:plugin/log@0.1.0";
import context from "goatherd:plugin/context@0.1.0";
import cacheRead from "goatherd:plugin/cache-read@0.1.0";
import cacheWrite from "goatherd:plugin/cache-write@0.1.0";

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
        {
          tag: "route",
          val: {
            methods: [{ tag: "get" }, { tag: "post" }],
            path: `/api/plugins/${NAME}/hello`,
            handler: { tag: "function", val: "hello" },
            // A greeting is no secret; without this, visitors would have to sign in.
            middleware: [{ tag: "public" }],
            description: "Greets whom `name` names, in the query or in the JSON body",
            maxBodyBytes: 1024,
          },
        },
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

  init() {},

  // What other plugins can call, and `goatherd call`. An error is thrown as the `error` variant of the contract. What a
  // host function throws has that variant as its `payload`; letting it pass hands it to the caller unchanged.
  call(name, args) {
    switch (name) {
      case "hello":
        return JSON.stringify(hello(JSON.parse(args)?.name));
      default:
        throw { tag: "not-found", val: `${NAME} has no function "${name}"` };
    }
  },

  shutdown() {},
};

// What a plugin with routes exports. It has one handler, so it need not look which is meant.
export const routeHandler = {
  handle(handler, request) {
    const name = request.method.tag === "post" ? json(request.body)?.name : parameter(request, "name");
    return { status: null, headers: [], body: { tag: "json", val: JSON.stringify(hello(name)) } };
  },
};

// What a plugin with widgets exports. A widget is a fragment of HTML.
export const widgetHandler = {
  render(handler, widget) {
    const visits = cacheRead.get("visits");
    return `<p>Visits: ${visits === null ? 0 : text(visits)}</p>`;
  },
};

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
