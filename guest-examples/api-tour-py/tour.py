"""The steps, one function for each family of interfaces."""

import json
from collections.abc import Callable

import fields
from componentize_py_types import Err
from steps import Steps
from wit_world.imports import (
    cache_read,
    cache_write,
    capabilities,
    config,
    context,
    db_read,
    db_write,
    email,
    entities_purge,
    entities_read,
    entities_write,
    events,
    http_client,
    i18n,
    log,
    plugins,
    secure_config_read,
    secure_config_write,
)
from wit_world.imports.db_types import (
    DbEngine_Postgresql,
    DbEngine_Sqlite,
    DbError,
    DbErrorKind_Unique,
    Rows,
    Statement,
    Value_Integer,
    Value_Text,
)
from wit_world.imports.email import (
    Body,
    Body_Html,
    Body_Text,
    Message,
    MessageOption,
    MessageOption_Bcc,
    MessageOption_Other,
    MessageOption_ReplyTo,
    MessageOption_RetryKey,
)
from wit_world.imports.http_client import (
    HttpRequest,
    RequestOption,
    RequestOption_Other,
    RequestOption_Redirects,
    RequestOption_TimeoutMs,
)
from wit_world.imports.types import Method, Method_Other, Method_Post


def tour(args: dict) -> dict[str, str]:
    """`args` holds what differs from one installation to the next:

    org_id, user_id, language   for whom the call runs; null where there is none
    table                       a table that is not there yet; its name begins with `tour_`
    app_name                    what the application's setting `app.name` says
    peer                        a plugin with a function `echo`
    absent_peer                 a name that the grant covers and no plugin has
    capability                  a capability that returns its input, and whose slug ends in `.echo`
    absent_capability           a slug that the grant covers and nobody has
    http_url                    an address that answers a `POST` with its body
    recipient                   somebody who may be written to
    contacts                    two contacts; the second is deleted for good
    """
    steps = Steps()
    ambient(steps, args)
    database(steps, args["table"])
    cache(steps)
    settings(steps, args["app_name"])
    others(steps, args)
    outside(steps, args["http_url"], args["recipient"])
    fields.tour(steps, args["contacts"][0])
    entities(steps, *args["contacts"])
    return steps.results


def ambient(steps: Steps, args: dict) -> None:
    """What every plugin has without a grant: its log, its translations, and whom it works for."""
    fields = [("interface", "log")]
    steps.gives("log.log", lambda: log.log(log.Level.INFO, "the tour begins", fields), None)

    # `register` has this text in English and German.
    expected = "Guten Tag, Ada!" if args["language"] == "de" else "Good day, Ada!"
    steps.gives("i18n.translate", lambda: i18n.translate("greeting", [("name", "Ada")]), expected)
    steps.gives("i18n.translate/missing", lambda: i18n.translate("no-such-text", []), "no-such-text")

    def user_id() -> str | None:
        user = context.user()
        return user.id if user else None

    steps.gives("context.org-id", context.org_id, args["org_id"])
    steps.gives("context.user", user_id, args["user_id"])
    # The host calls the tour, and no plugin does.
    steps.gives("context.caller", context.caller, None)
    steps.gives("context.language", context.language, args["language"])
    steps.shows("context.request-id", context.request_id, lambda id: id != "")
    steps.shows("context.deadline-ms", context.deadline_ms, lambda left: left > 0)


def database(steps: Steps, table: str) -> None:
    """The application's database, in SQL that SQLite and PostgreSQL both speak. The grant covers `tour_*`."""
    insert = f"INSERT INTO {table} (id, body) VALUES (?, ?)"
    select = f"SELECT id, body FROM {table} WHERE id >= ? ORDER BY id"

    def row(id: int, body: str) -> Statement:
        return Statement(insert, [Value_Integer(id), Value_Text(body)])

    def execute(sql: str, *params) -> Callable:
        return lambda: db_write.execute(sql, list(params))

    def query(sql: str, *params) -> Callable:
        return lambda: db_read.query(sql, list(params))

    known = (DbEngine_Sqlite, DbEngine_Postgresql)
    steps.shows("db-read.engine", db_read.engine, lambda engine: isinstance(engine, known))
    create = f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, body TEXT NOT NULL)"
    steps.shows("db-write.execute/create", execute(create), lambda _: True)
    inserted = execute(insert, Value_Integer(1), Value_Text("one?"))
    steps.shows("db-write.execute", inserted, lambda outcome: outcome.rows_affected == 1)
    again = execute(insert, Value_Integer(1), Value_Text("again"))
    steps.refuses("db-write.execute/duplicate", again)
    steps.refuses("db-write.execute/denied", execute("DELETE FROM secret"))
    steps.refuses("db-write.execute/too-few-parameters", execute(insert, Value_Integer(2)))

    both = [row(2, "two"), row(3, "three")]
    steps.shows(
        "db-write.transaction",
        lambda: db_write.transaction(both),
        lambda outcomes: all(outcome.rows_affected == 1 for outcome in outcomes),
    )
    # Its second statement fails, so the first did not happen either.
    half = [row(4, "four"), row(1, "again")]

    def why() -> object:
        try:
            return db_write.transaction(half)
        except Err as raised:
            failed: DbError = raised.value
            return failed.kind, failed.statement

    steps.gives("db-write.transaction/why", why, (DbErrorKind_Unique(), 2))
    steps.refuses("db-write.transaction/duplicate", lambda: db_write.transaction(half))

    rows = Rows(
        columns=["id", "body"],
        rows=[
            [Value_Integer(2), Value_Text("two")],
            [Value_Integer(3), Value_Text("three")],
        ],
    )
    steps.gives("db-read.query", query(select, Value_Integer(2)), rows)
    steps.refuses("db-read.query/denied", query("SELECT * FROM secret"))
    steps.refuses("db-read.query/writing", query(f"DELETE FROM {table}"))
    steps.refuses("db-read.query/not-sql", query("SELEC 1"))

    steps.shows("db-write.execute/drop", execute(f"DROP TABLE {table}"), lambda _: True)


def cache(steps: Steps) -> None:
    """The plugin's own part of the cache. The grant covers keys that begin with `tour`."""
    steps.gives("cache-write.set", lambda: cache_write.set("tour.a", b"kept", 60), None)
    steps.gives("cache-read.get", lambda: cache_read.get("tour.a"), b"kept")
    steps.refuses("cache-write.increment/no-number", lambda: cache_write.increment("tour.a", 1, None))
    steps.gives("cache-write.delete", lambda: cache_write.delete("tour.a"), None)
    steps.gives("cache-read.get/missing", lambda: cache_read.get("tour.a"), None)

    def change(key: str, expected: bytes | None, new: bytes | None) -> Callable:
        return lambda: cache_write.compare_and_set(key, cache_write.Swap(expected, new), 60)

    # Where nothing is, it counts from 0.
    steps.gives("cache-write.increment", lambda: cache_write.increment("tour.n", 2, 60), 2)
    steps.gives("cache-write.compare-and-set/stale", change("tour.n", b"1", b"3"), False)
    steps.gives("cache-write.compare-and-set", change("tour.n", b"2", None), True)

    steps.refuses("cache-read.get/denied", lambda: cache_read.get("other"))
    steps.refuses("cache-read.get/empty-key", lambda: cache_read.get(""))
    steps.refuses("cache-read.get/long-key", lambda: cache_read.get("tour" * 129))
    steps.refuses("cache-write.set/denied", lambda: cache_write.set("other", b"x", None))
    large = bytes(1_048_577)
    steps.refuses("cache-write.set/too-large", lambda: cache_write.set("tour.a", large, None))
    steps.refuses("cache-write.delete/denied", lambda: cache_write.delete("other"))
    steps.refuses("cache-write.increment/denied", lambda: cache_write.increment("other", 1, None))
    steps.refuses("cache-write.compare-and-set/denied", change("other", None, b"x"))


def settings(steps: Steps, app_name: str) -> None:
    """Settings, under a grant for `app.*`, and the plugin's own secrets, under one for `tour.*`."""
    steps.gives("config.get", lambda: config.get("app.name"), app_name)
    steps.gives("config.get/not-set", lambda: config.get("plugin.nothing"), None)
    steps.refuses("config.get/denied", lambda: config.get("database.password"))
    steps.refuses("config.get/empty-key", lambda: config.get(""))

    get, set, delete = secure_config_read.get, secure_config_write.set, secure_config_write.delete
    steps.gives("secure-config-write.set", lambda: set("tour.token", "s3cret"), None)
    steps.gives("secure-config-read.get", lambda: get("tour.token"), "s3cret")
    steps.gives("secure-config-read.get/not-set", lambda: get("tour.nothing"), None)

    steps.gives("secure-config-write.delete", lambda: delete("tour.token"), None)
    steps.gives("secure-config-read.get/deleted", lambda: get("tour.token"), None)

    steps.refuses("secure-config-read.get/denied", lambda: get("other"))
    steps.refuses("secure-config-write.set/denied", lambda: set("other", "s3cret"))
    steps.refuses("secure-config-write.delete/denied", lambda: delete("other"))
    steps.refuses("secure-config-write.set/too-large", lambda: set("tour.token", "x" * 4097))


def others(steps: Steps, args: dict) -> None:
    """Other plugins, what the application can do, and whoever listens to this one.

    The grants cover two plugins, capabilities called `echo` and the channel `tour`.
    """
    peer, absent_peer = args["peer"], args["absent_peer"]

    def echoed(answer: str) -> bool:
        return json.loads(answer)["a"][1] == "ä"

    steps.shows("plugins.call", lambda: plugins.call(peer, "echo", '{"a":[1,"ä"]}'), echoed)
    # An error of the called function arrives as it is.
    steps.refuses("plugins.call/unknown-function", lambda: plugins.call(peer, "no-such-function", "{}"))
    steps.refuses("plugins.call/not-json", lambda: plugins.call(peer, "echo", "{"))
    steps.refuses("plugins.call/absent", lambda: plugins.call(absent_peer, "echo", "{}"))
    steps.refuses("plugins.call/denied", lambda: plugins.call("somebody-else", "echo", "{}"))

    capability, absent = args["capability"], args["absent_capability"]
    steps.shows("capabilities.run", lambda: capabilities.run(capability, '{"a":[1,"ä"]}'), echoed)
    steps.refuses("capabilities.run/absent", lambda: capabilities.run(absent, "{}"))
    steps.refuses("capabilities.run/not-json", lambda: capabilities.run(capability, "{"))
    steps.refuses("capabilities.run/denied", lambda: capabilities.run("somebody.else", "{}"))
    steps.shows(
        "capabilities.available",
        capabilities.available,
        lambda available: any(known.slug == capability for known in available),
    )

    data = "two\nlines"
    steps.gives("events.publish", lambda: events.publish("tour", "progress", data), None)
    steps.refuses("events.publish/denied", lambda: events.publish("other", "progress", data))
    steps.refuses("events.publish/two-lines", lambda: events.publish("tour", "two\nlines", data))
    steps.refuses("events.publish/too-large", lambda: events.publish("tour", "progress", "x" * 65_537))


def outside(steps: Steps, http_url: str, recipient: str) -> None:
    """The world outside: other servers, and people's mailboxes. The grants cover one server and `@example.org`."""

    once_and_soon = [RequestOption_TimeoutMs(20_000), RequestOption_Redirects(0)]

    def request(
        method: Method = Method_Post(), url: str = http_url, options: list[RequestOption] = once_and_soon
    ) -> Callable:
        headers = [("content-type", "text/plain")]
        return lambda: http_client.request(HttpRequest(method, url, headers, b"ping", options))

    steps.shows(
        "http-client.request",
        request(),
        lambda response: response.status == 200 and response.body == b"ping",
    )
    steps.refuses("http-client.request/denied", request(url="https://elsewhere.example/"))
    steps.refuses("http-client.request/bad-method", request(method=Method_Other("NO METHOD")))
    steps.refuses("http-client.request/bad-url", request(url="no url"))
    colour = RequestOption_Other(("colour", "red"))
    steps.refuses("http-client.request/bad-option", request(options=[colour]))

    def send(
        *options: MessageOption,
        body: Body = Body_Text("As plain as it gets."),
        subject: str = "Grüße from the tour",
    ) -> Callable:
        return lambda: email.send(Message([recipient], subject, body, list(options)))

    reply, key = MessageOption_ReplyTo("desk@example.org"), MessageOption_RetryKey("tour/greeting")
    steps.gives("email.send", send(reply, key), None)
    steps.gives("email.send/html", send(body=Body_Html("<p>With <b>weight</b>.</p>")), None)
    steps.refuses("email.send/denied", send(MessageOption_Bcc(["mallory@elsewhere.example"])))
    injected = "Hello\r\nBcc: mallory@elsewhere.example"
    steps.refuses("email.send/two-lines", send(subject=injected))
    steps.refuses("email.send/bad-option", send(MessageOption_Other(("colour", "red"))))


def entities(steps: Steps, one: int, other: int) -> None:
    """Deleting what the application keeps, with an undo and for good. The grants cover contacts and not agents."""
    reason = "asked for it"
    nobody = 999_999_999

    def delete(entity_type: str, id: int) -> Callable:
        return lambda: entities_write.soft_delete(entity_type, id, reason)

    steps.gives("entities-write.soft-delete", delete("contact", one), None)
    steps.refuses("entities-write.soft-delete/again", delete("contact", one))
    steps.refuses("entities-write.soft-delete/unknown", delete("contact", nobody))
    steps.refuses("entities-write.soft-delete/denied", delete("agent", one))

    steps.shows(
        "entities-read.recycle-bin",
        lambda: entities_read.recycle_bin("contact"),
        lambda deleted: any(entity.id == one and entity.reason == reason for entity in deleted),
    )
    steps.refuses("entities-read.recycle-bin/denied", lambda: entities_read.recycle_bin("agent"))

    steps.gives("entities-write.restore", lambda: entities_write.restore("contact", one), None)
    steps.refuses("entities-write.restore/again", lambda: entities_write.restore("contact", one))
    steps.refuses("entities-write.restore/denied", lambda: entities_write.restore("agent", one))

    def purge(entity_type: str, id: int) -> Callable:
        return lambda: entities_purge.hard_delete(entity_type, id, reason)

    steps.gives("entities-purge.hard-delete", purge("contact", other), None)
    steps.refuses("entities-purge.hard-delete/again", purge("contact", other))
    steps.refuses("entities-purge.hard-delete/denied", purge("agent", one))
