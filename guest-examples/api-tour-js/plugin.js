// One call of every function that a host offers, and for each of them what an error looks like.
//
// The function `tour` goes through all interfaces and returns how each step ended: `ok`, or the code of the error.
// `../api-tour` and `../api-tour-py` take the same steps in the same order, so the three can be read side by side.
// What each step does, and how it must end, is in `tests/tests/tour/expectations.json`.

import cacheRead from "goatherd:plugin/cache-read@0.1.0";
import cacheWrite from "goatherd:plugin/cache-write@0.1.0";
import capabilities from "goatherd:plugin/capabilities@0.1.0";
import config from "goatherd:plugin/config@0.1.0";
import context from "goatherd:plugin/context@0.1.0";
import fieldsRead from "goatherd:plugin/custom-fields-read@0.1.0";
import fieldsWrite from "goatherd:plugin/custom-fields-write@0.1.0";
import dbRead from "goatherd:plugin/db-read@0.1.0";
import dbWrite from "goatherd:plugin/db-write@0.1.0";
import email from "goatherd:plugin/email@0.1.0";
import entitiesPurge from "goatherd:plugin/entities-purge@0.1.0";
import entitiesRead from "goatherd:plugin/entities-read@0.1.0";
import entitiesWrite from "goatherd:plugin/entities-write@0.1.0";
import events from "goatherd:plugin/events@0.1.0";
import httpClient from "goatherd:plugin/http-client@0.1.0";
import i18n from "goatherd:plugin/i18n@0.1.0";
import log from "goatherd:plugin/log@0.1.0";
import plugins from "goatherd:plugin/plugins@0.1.0";
import secureConfigRead from "goatherd:plugin/secure-config-read@0.1.0";
import secureConfigWrite from "goatherd:plugin/secure-config-write@0.1.0";

const NAME = "api-tour-js";

export const guest = {
  register() {
    return {
      name: NAME,
      version: "0.1.0",
      description: "Calls every function of the host, and says how each call ended",
      author: "Goatherd",
      license: "Apache-2.0",
      homepage: null,
      minHostVersion: null,
      resources: {
        limits: [{ tag: "call-timeout-ms", val: 60_000 }],
        // A request only: the operator decides, and a step beyond what was granted ends with `permission-denied`.
        permissions: [
          permission("db", "readwrite", ["tour_*"]),
          permission("cache", "readwrite", ["tour"]),
          permission("config", null, ["app.*"]),
          permission("secure-config", "readwrite", ["tour.*"]),
          permission("plugin-call", null, ["echo", "nobody"]),
          permission("capability", null, ["*.echo"]),
          permission("events", null, ["tour"]),
          permission("http", null, ["api.example.org"]),
          permission("email", null, ["@example.org"]),
          permission("custom-fields", "readwrite", ["contact"]),
          permission("entity", "readwrite", ["contact"]),
          // No other level of access implies this one.
          permission("entity", "hard-delete", ["contact"]),
        ],
      },
      contributions: [greetings(), ...fields(), ...handled()],
    };
  },

  init() {},

  // `args` holds what differs from one installation to the next:
  //
  // org_id, user_id, language   for whom the call runs; null where there is none
  // table                       a table that is not there yet; its name begins with `tour_`
  // app_name                    what the application's setting `app.name` says
  // peer                        a plugin with a function `echo`
  // absent_peer                 a name that the grant covers and no plugin has
  // capability                  a capability that returns its input, and whose slug ends in `.echo`
  // absent_capability           a slug that the grant covers and nobody has
  // http_url                    an address that answers a `POST` with its body
  // recipient                   somebody who may be written to
  // contacts                    two contacts; the second is deleted for good
  call(name, args) {
    // What the plugin's own capability calls.
    if (name === "echo") {
      return args;
    }
    if (name !== "tour") {
      throw { tag: "not-found", val: `${NAME} has no function "${name}"` };
    }
    args = JSON.parse(args);
    results = {};
    tourAmbient(args);
    tourDatabase(args);
    tourCache();
    tourSettings(args);
    tourPlugins(args);
    tourOutside(args);
    tourCustomFields(args.contacts[0]);
    tourEntities(args.contacts);

    return JSON.stringify(results);
  },

  shutdown() {},
};

// What the host asks of a plugin: one interface for each kind of contribution that has a handler. Each gets the name that
// `register` gave its handler, and answers so that whoever asks sees what the plugin saw.

export const routeHandler = {
  // `{"handler", "method", "params", "query", "bytes"}`, with the length of the body.
  handle(handler, request) {
    const { method, params, query, body } = request;
    const seen = {
      handler,
      method: method.tag === "other" ? method.val : method.tag.toUpperCase(),
      params: Object.fromEntries(params),
      query,
      bytes: body.length,
    };
    return { status: null, headers: [["x-tour", NAME]], body: { tag: "json", val: JSON.stringify(seen) } };
  },
};

export const widgetHandler = {
  render(handler, widget) {
    return `<p>${handler} draws ${widget.widgetId}</p>`;
  },
};

export const jobHandler = {
  run(handler, run) {
    return `${handler} ran ${run.jobId}, attempt ${run.attempt}`;
  },
};

export const cascadeHandler = {
  // What can be undone may go.
  onDelete(handler, deletion) {
    if (deletion.kind === "hard") {
      throw { tag: "conflict", val: `${handler}: ${deletion.entityType} ${deletion.id} stays` };
    }
  },
};

export const eventAuthorizer = {
  authorize(handler, channel) {
    return handler === "may-listen" && channel === "tour";
  },
};

export const navigation = {
  badge(handler, uiId) {
    if (handler !== "open" || uiId !== "desk") {
      throw { tag: "not-found", val: `${uiId} has no badge "${handler}"` };
    }
    return 3;
  },
};

// How the steps of the tour ended.
let results = {};

// Notes how a call ended. What it returned must be `expected`, or satisfy it where `expected` is a function.
function gives(step, call, expected) {
  results[step] = outcome(() => {
    const value = call();
    const right = typeof expected === "function" ? expected(value) : equal(value, expected);
    return right ? "ok" : `unexpected: ${show(value)}`;
  });
}

// Notes how a call ended that should fail.
function refuses(step, call) {
  results[step] = outcome(() => {
    call();
    return "ok";
  });
}

// An error of the host is thrown with the contract's `error` as its payload; that of a database is one of its members.
// Errors of other plugins have codes of their own.
function outcome(call) {
  try {
    return call();
  } catch (thrown) {
    const payload = thrown.payload ?? thrown;
    const error = payload.error ?? payload;
    if (error.tag === undefined) {
      return `unexpected: ${thrown}`;
    }
    return error.tag === "other" ? error.val.code : error.tag;
  }
}

// What a call throws; null if it does not.
function caught(call) {
  try {
    call();
    return null;
  } catch (thrown) {
    return thrown;
  }
}

function equal(one, other) {
  return show(one) === show(other);
}

// As JSON, which knows no bytes, and no difference between null and undefined.
function show(value) {
  return JSON.stringify(value ?? null, (_, part) => (part instanceof Uint8Array ? [...part] : part ?? null));
}

// QuickJS has no TextEncoder. What is encoded here is ASCII.
function bytes(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

// What every plugin has without a grant: its log, its translations, and whom it works for.
function tourAmbient(args) {
  gives("log.log", () => log.log("info", "the tour begins", [["interface", "log"]]), undefined);

  // `register` has this text in English and German.
  const expected = args.language === "de" ? "Guten Tag, Ada!" : "Good day, Ada!";
  gives("i18n.translate", () => i18n.translate("greeting", [["name", "Ada"]]), expected);
  gives("i18n.translate/missing", () => i18n.translate("no-such-text", []), "no-such-text");

  gives("context.org-id", () => context.orgId(), args.org_id);
  gives("context.user", () => context.user()?.id, args.user_id);
  // The host calls the tour, and no plugin does.
  gives("context.caller", () => context.caller(), null);
  gives("context.language", () => context.language(), args.language);
  gives("context.request-id", () => context.requestId(), (id) => id !== "");
  gives("context.deadline-ms", () => context.deadlineMs(), (left) => left > 0);
}

// The application's database, in SQL that SQLite and PostgreSQL both speak. The grant covers `tour_*`.
function tourDatabase({ table }) {
  const insert = `INSERT INTO ${table} (id, body) VALUES (?, ?)`;
  const select = `SELECT id, body FROM ${table} WHERE id >= ? ORDER BY id`;
  const integer = (val) => ({ tag: "integer", val });
  const text = (val) => ({ tag: "text", val });

  const known = (engine) => ["sqlite", "postgresql"].includes(engine.tag);
  gives("db-read.engine", () => dbRead.engine(), known);
  const create = `CREATE TABLE ${table} (id BIGINT PRIMARY KEY, body TEXT NOT NULL)`;
  gives("db-write.execute/create", () => dbWrite.execute(create, []), () => true);
  const one = (outcome) => outcome.rowsAffected === 1;
  gives("db-write.execute", () => dbWrite.execute(insert, [integer(1), text("one?")]), one);
  refuses("db-write.execute/duplicate", () => dbWrite.execute(insert, [integer(1), text("again")]));
  refuses("db-write.execute/denied", () => dbWrite.execute("DELETE FROM secret", []));
  refuses("db-write.execute/too-few-parameters", () => dbWrite.execute(insert, [integer(2)]));

  const row = (id, body) => ({ sql: insert, params: [integer(id), text(body)] });
  gives("db-write.transaction", () => dbWrite.transaction([row(2, "two"), row(3, "three")]),
    (outcomes) => outcomes.every(one));
  // Its second statement fails, so the first did not happen either.
  const half = () => dbWrite.transaction([row(4, "four"), row(1, "again")]);
  gives("db-write.transaction/why", () => {
    const { kind, statement } = caught(half).payload;
    return [kind.tag, statement];
  }, ["unique", 2]);
  refuses("db-write.transaction/duplicate", half);

  const rows = {
    columns: ["id", "body"],
    rows: [
      [integer(2), text("two")],
      [integer(3), text("three")],
    ],
  };
  gives("db-read.query", () => dbRead.query(select, [integer(2)]), rows);
  refuses("db-read.query/denied", () => dbRead.query("SELECT * FROM secret", []));
  refuses("db-read.query/writing", () => dbRead.query(`DELETE FROM ${table}`, []));
  refuses("db-read.query/not-sql", () => dbRead.query("SELEC 1", []));

  gives("db-write.execute/drop", () => dbWrite.execute(`DROP TABLE ${table}`, []), () => true);
}

// The plugin's own part of the cache. The grant covers keys that begin with `tour`.
function tourCache() {
  gives("cache-write.set", () => cacheWrite.set("tour.a", bytes("kept"), 60), undefined);
  gives("cache-read.get", () => cacheRead.get("tour.a"), bytes("kept"));
  refuses("cache-write.increment/no-number", () => cacheWrite.increment("tour.a", 1, null));
  gives("cache-write.delete", () => cacheWrite.delete("tour.a"), undefined);
  gives("cache-read.get/missing", () => cacheRead.get("tour.a"), null);

  // Where nothing is, it counts from 0.
  gives("cache-write.increment", () => cacheWrite.increment("tour.n", 2, 60), 2);
  const change = (from, to) => cacheWrite.compareAndSet("tour.n", { expected: from, new: to }, 60);
  gives("cache-write.compare-and-set/stale", () => change(bytes("1"), bytes("3")), false);
  gives("cache-write.compare-and-set", () => change(bytes("2"), null), true);

  refuses("cache-read.get/denied", () => cacheRead.get("other"));
  refuses("cache-read.get/empty-key", () => cacheRead.get(""));
  refuses("cache-read.get/long-key", () => cacheRead.get("tour".repeat(129)));
  refuses("cache-write.set/denied", () => cacheWrite.set("other", bytes("x"), null));
  refuses("cache-write.set/too-large", () => cacheWrite.set("tour.a", new Uint8Array(1_048_577), null));
  refuses("cache-write.delete/denied", () => cacheWrite.delete("other"));
  refuses("cache-write.increment/denied", () => cacheWrite.increment("other", 1, null));
  refuses("cache-write.compare-and-set/denied", () => cacheWrite.compareAndSet("other", { expected: null, new: bytes("x") }, null));
}

// Settings, under a grant for `app.*`, and the plugin's own secrets, under one for `tour.*`.
function tourSettings(args) {
  gives("config.get", () => config.get("app.name"), args.app_name);
  gives("config.get/not-set", () => config.get("plugin.nothing"), null);
  refuses("config.get/denied", () => config.get("database.password"));
  refuses("config.get/empty-key", () => config.get(""));

  gives("secure-config-write.set", () => secureConfigWrite.set("tour.token", "s3cret"), undefined);
  gives("secure-config-read.get", () => secureConfigRead.get("tour.token"), "s3cret");
  gives("secure-config-read.get/not-set", () => secureConfigRead.get("tour.nothing"), null);

  gives("secure-config-write.delete", () => secureConfigWrite.delete("tour.token"), undefined);
  gives("secure-config-read.get/deleted", () => secureConfigRead.get("tour.token"), null);

  refuses("secure-config-read.get/denied", () => secureConfigRead.get("other"));
  refuses("secure-config-write.set/denied", () => secureConfigWrite.set("other", "s3cret"));
  refuses("secure-config-write.delete/denied", () => secureConfigWrite.delete("other"));
  refuses("secure-config-write.set/too-large", () => secureConfigWrite.set("tour.token", "x".repeat(4097)));
}

// Other plugins, what the application can do, and whoever listens to this one. The grants cover two plugins, capabilities
// called `echo` and the channel `tour`.
function tourPlugins({ peer, absent_peer, capability, absent_capability }) {
  const echoed = (json) => JSON.parse(json).a[1] === "ä";
  gives("plugins.call", () => plugins.call(peer, "echo", '{"a":[1,"ä"]}'), echoed);
  // An error of the called function arrives as it is.
  refuses("plugins.call/unknown-function", () => plugins.call(peer, "no-such-function", "{}"));
  refuses("plugins.call/not-json", () => plugins.call(peer, "echo", "{"));
  refuses("plugins.call/absent", () => plugins.call(absent_peer, "echo", "{}"));
  refuses("plugins.call/denied", () => plugins.call("somebody-else", "echo", "{}"));

  gives("capabilities.run", () => capabilities.run(capability, '{"a":[1,"ä"]}'), echoed);
  refuses("capabilities.run/absent", () => capabilities.run(absent_capability, "{}"));
  refuses("capabilities.run/not-json", () => capabilities.run(capability, "{"));
  refuses("capabilities.run/denied", () => capabilities.run("somebody.else", "{}"));
  gives("capabilities.available", () => capabilities.available(),
    (available) => available.some(({ slug }) => slug === capability));

  const data = "two\nlines";
  gives("events.publish", () => events.publish("tour", "progress", data), undefined);
  refuses("events.publish/denied", () => events.publish("other", "progress", data));
  refuses("events.publish/two-lines", () => events.publish("tour", "two\nlines", data));
  refuses("events.publish/too-large", () => events.publish("tour", "progress", "x".repeat(65_537)));
}

// The world outside: other servers, and people's mailboxes. The grants cover one server and `@example.org`.
function tourOutside(args) {
  const request = {
    method: { tag: "post" },
    url: args.http_url,
    headers: [["content-type", "text/plain"]],
    body: bytes("ping"),
    options: [{ tag: "timeout-ms", val: 20_000 }, { tag: "redirects", val: 0 }],
  };
  const ponged = (response) => response.status === 200 && equal(response.body, bytes("ping"));
  gives("http-client.request", () => httpClient.request(request), ponged);
  const elsewhere = { ...request, url: "https://elsewhere.example/" };
  refuses("http-client.request/denied", () => httpClient.request(elsewhere));
  const noMethod = { ...request, method: { tag: "other", val: "NO METHOD" } };
  refuses("http-client.request/bad-method", () => httpClient.request(noMethod));
  refuses("http-client.request/bad-url", () => httpClient.request({ ...request, url: "no url" }));
  const colour = [{ tag: "other", val: ["colour", "red"] }];
  refuses("http-client.request/bad-option", () => httpClient.request({ ...request, options: colour }));

  const message = {
    to: [args.recipient],
    subject: "Grüße from the tour",
    body: { tag: "text", val: "As plain as it gets." },
    options: [
      { tag: "reply-to", val: "desk@example.org" },
      { tag: "retry-key", val: "tour/greeting" },
    ],
  };
  gives("email.send", () => email.send(message), undefined);
  const html = { ...message, body: { tag: "html", val: "<p>With <b>weight</b>.</p>" }, options: [] };
  gives("email.send/html", () => email.send(html), undefined);
  const denied = { ...message, options: [{ tag: "bcc", val: ["mallory@elsewhere.example"] }] };
  refuses("email.send/denied", () => email.send(denied));
  const injected = { ...message, subject: "Hello\r\nBcc: mallory@elsewhere.example" };
  refuses("email.send/two-lines", () => email.send(injected));
  refuses("email.send/bad-option", () => email.send({ ...message, options: colour }));
}

const BERLIN = { latitude: 52.52, longitude: 13.405 };
const POTSDAM = { latitude: 52.4, longitude: 13.06 };
const MUNICH = { latitude: 48.137, longitude: 11.575 };

// The fields that `register` adds to contacts: one for each kind of value. The grant covers contacts and not agents.
function tourCustomFields(contact) {
  const { get, query } = fieldsRead;
  const { set, apply } = fieldsWrite;

  gives("custom-fields-write.set", () => set("contact", contact, values()), undefined);
  const bad = [
    field("score", "text", "many"),
    field("seen", "datetime", "yesterday"),
  ];
  refuses("custom-fields-write.set/bad-values", () => set("contact", contact, bad));
  refuses("custom-fields-write.set/denied", () => set("agent", contact, values()));

  gives("custom-fields-read.get", () => get("contact", contact, []), (found) => same(found, values()));
  refuses("custom-fields-read.get/unknown", () => get("contact", contact, ["no_such_field"]));
  refuses("custom-fields-read.get/denied", () => get("contact", contact, ["crm:segment"]));

  gives("custom-fields-write.apply", () => apply("contact", contact, changes()), (found) => same(found, changed()));
  const ada = { tag: "text", val: "Ada" };
  const stale = change("nickname", "compare-and-set", { expected: ada, new: null });
  refuses("custom-fields-write.apply/conflict", () => apply("contact", contact, [stale]));
  refuses("custom-fields-write.apply/misfit", () => apply("contact", contact, [change("score", "toggle")]));
  refuses("custom-fields-write.apply/denied", () => apply("agent", contact, changes()));

  gives("custom-fields-read.query", () => query("contact", filters()), [contact]);
  const far = filter("home", "near", { center: MUNICH, radiusKm: 100 });
  gives("custom-fields-read.query/none", () => query("contact", [far]), []);
  refuses("custom-fields-read.query/misfit", () => query("contact", [filter("score", "like", "4%")]));
  refuses("custom-fields-read.query/no-filter", () => query("contact", []));
  refuses("custom-fields-read.query/denied", () => query("agent", filters()));

  // Setting none removes a value.
  const removed = { name: "nickname", value: null };
  gives("custom-fields-write.set/none", () => set("contact", contact, [removed]), undefined);
  gives("custom-fields-read.get/not-set", () => get("contact", contact, ["nickname"]), [removed]);
}

// A value of each kind.
function values() {
  return [
    field("nickname", "text", "Ada"),
    field("tags", "choices", ["red", "green"]),
    field("score", "integer", 3),
    field("balance", "decimal", "12.75"),
    field("vip", "boolean", true),
    field("birthday", "date", "1815-12-10"),
    field("seen", "datetime", "2026-11-20T10:00:00Z"),
    field("home", "point", BERLIN),
    field("area", "polygon", [BERLIN, POTSDAM, MUNICH]),
    field("office", "address", {
      street: "Karl-Liebknecht-Straße 1",
      postalCode: "10178",
      city: "Berlin",
      region: null,
      country: "DE",
      location: BERLIN,
    }),
  ];
}

// Each operation once, on what `values` set.
function changes() {
  return [
    change("score", "increment", { by: "1", floor: null, ceiling: "10" }),
    change("balance", "increment", { by: "-0.50", floor: null, ceiling: null }),
    change("tags", "append", "blue"),
    change("tags", "remove", "red"),
    change("vip", "toggle"),
    change("nickname", "compare-and-set", {
      expected: { tag: "text", val: "Ada" },
      new: { tag: "text", val: "Countess" },
    }),
  ];
}

// What `changes` made of it.
function changed() {
  return [
    field("score", "integer", 4),
    field("balance", "decimal", "12.25"),
    field("tags", "choices", ["green", "blue"]),
    field("vip", "boolean", false),
    field("nickname", "text", "Countess"),
  ];
}

// Each condition once, all of them true.
function filters() {
  const integer = (val) => ({ tag: "integer", val });
  return [
    filter("score", "eq", integer(4)),
    filter("score", "neq", integer(5)),
    filter("score", "gt", integer(3)),
    filter("score", "lt", integer(5)),
    filter("score", "gte", integer(4)),
    filter("score", "lte", integer(4)),
    filter("score", "in", [integer(1), integer(4)]),
    filter("score", "between", [integer(4), integer(9)]),
    filter("nickname", "like", "count%"),
    filter("home", "near", { center: POTSDAM, radiusKm: 30 }),
    // 25 kilometres when no radius is given.
    filter("office", "near", { center: BERLIN, radiusKm: null }),
  ];
}

function field(name, tag, val) {
  return { name, value: { tag, val } };
}

function change(field, tag, val) {
  return { field, operation: { tag, val } };
}

function filter(field, tag, val) {
  return { field, condition: { tag, val } };
}

// Whether both have the same fields with the same values, in whatever order.
function same(found, expected) {
  return found.length === expected.length
    && expected.every((field) => found.some((other) => equal(other, field)));
}

const NOBODY = 999_999_999;
const REASON = "asked for it";

// Deleting what the application keeps, with an undo and for good. The grants cover contacts and not agents.
function tourEntities([one, other]) {
  const { softDelete, restore } = entitiesWrite;
  const { recycleBin } = entitiesRead;
  const { hardDelete } = entitiesPurge;

  gives("entities-write.soft-delete", () => softDelete("contact", one, REASON), undefined);
  refuses("entities-write.soft-delete/again", () => softDelete("contact", one, REASON));
  refuses("entities-write.soft-delete/unknown", () => softDelete("contact", NOBODY, REASON));
  refuses("entities-write.soft-delete/denied", () => softDelete("agent", one, REASON));

  const holds = (bin) => bin.some((entity) => entity.id === one && entity.reason === REASON);
  gives("entities-read.recycle-bin", () => recycleBin("contact"), holds);
  refuses("entities-read.recycle-bin/denied", () => recycleBin("agent"));

  gives("entities-write.restore", () => restore("contact", one), undefined);
  refuses("entities-write.restore/again", () => restore("contact", one));
  refuses("entities-write.restore/denied", () => restore("agent", one));

  gives("entities-purge.hard-delete", () => hardDelete("contact", other, REASON), undefined);
  refuses("entities-purge.hard-delete/again", () => hardDelete("contact", other, REASON));
  refuses("entities-purge.hard-delete/denied", () => hardDelete("agent", one, REASON));
}

function permission(kind, access, scope) {
  return { kind: { tag: kind }, access: access && { tag: access }, scope };
}

function greetings() {
  const greeting = (language, text) => ({ language, key: "greeting", text, plural: null });
  return {
    tag: "i18n",
    val: {
      namespace: null,
      languages: [],
      translations: [greeting("en", "Good day, {name}!"), greeting("de", "Guten Tag, {name}!")],
    },
  };
}

function fields() {
  return [
    ["nickname", "text"],
    ["tags", "multi-select", '{"options": ["red", "green", "blue"]}'],
    ["score", "integer"],
    ["balance", "decimal"],
    ["vip", "boolean"],
    ["birthday", "date"],
    ["seen", "datetime"],
    ["home", "point"],
    ["area", "polygon"],
    ["office", "address"],
  ].map(([name, tag, config = null]) => ({
    tag: "custom-field",
    val: {
      name,
      label: name,
      entityType: "contact",
      fieldType: { tag },
      section: null,
      order: 0,
      required: false,
      description: null,
      placeholder: null,
      config,
    },
  }));
}

// One contribution of each kind that has a handler.
function handled() {
  const echo = { tag: "function", val: "echo" };
  return [
    {
      tag: "route",
      val: {
        methods: [{ tag: "get" }, { tag: "post" }],
        path: `/api/plugins/${NAME}/echo/:id`,
        handler: echo,
        middleware: [{ tag: "public" }],
        description: "Answers what it was asked",
        maxBodyBytes: 65_536,
      },
    },
    {
      // A user interface of one page, with a number beside its entry in the navigation.
      tag: "ui",
      val: {
        id: "desk",
        name: "Desk",
        description: null,
        kind: { tag: "admin-page" },
        icon: null,
        shell: null,
        routes: [{ path: "/", method: null, handler: echo }],
        branding: null,
        auth: null,
        pwa: null,
        nav: {
          position: { tag: "top" },
          items: [{ label: "Desk", icon: null, path: "/", badge: "open", order: 0 }],
        },
        dataScope: null,
        rateLimitPerMinute: null,
      },
    },
    {
      tag: "widget",
      val: {
        id: "seen",
        title: "Seen",
        description: null,
        handler: "box",
        location: { tag: "ticket-sidebar" },
        size: null,
        order: 0,
        refreshable: false,
        refreshSec: null,
      },
    },
    {
      tag: "job",
      val: {
        id: "nightly",
        handler: "tidy",
        schedule: "0 3 * * *",
        timeZone: "Europe/Berlin",
        description: null,
        // It runs when an operator says so.
        enabled: false,
        timeoutSec: null,
      },
    },
    { tag: "cascade", val: { entityType: "agent", onSoftDelete: "consent", onHardDelete: "object" } },
    { tag: "event-authorizer", val: { handler: "may-listen", channels: ["tour"] } },
    {
      tag: "capability",
      val: { slug: `${NAME}.echo`, does: echo, title: "Echo", description: null, inputSchema: null },
    },
  ];
}
