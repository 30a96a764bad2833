--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: goatherd_policy_audit_kept(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.goatherd_policy_audit_kept() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN RAISE EXCEPTION 'the audit trail is only added to'; END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: contact; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.contact (
    id integer NOT NULL,
    name text NOT NULL,
    valid_id integer DEFAULT 1 NOT NULL
);


--
-- Name: goatherd_custom_choice; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_custom_choice (
    field_id bigint NOT NULL,
    organisation text NOT NULL,
    key bytea NOT NULL,
    entity_id bigint NOT NULL
);


--
-- Name: goatherd_custom_field; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_custom_field (
    id bigint NOT NULL,
    plugin text NOT NULL,
    entity_type text NOT NULL,
    name text NOT NULL,
    field_type text NOT NULL,
    required boolean NOT NULL,
    config text NOT NULL,
    label text NOT NULL,
    section text NOT NULL,
    "position" integer NOT NULL,
    description text NOT NULL,
    placeholder text NOT NULL
);


--
-- Name: goatherd_custom_field_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.goatherd_custom_field ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.goatherd_custom_field_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: goatherd_custom_value; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_custom_value (
    entity_id bigint NOT NULL,
    field_id bigint NOT NULL,
    organisation text NOT NULL,
    key bytea NOT NULL,
    value text NOT NULL
);


--
-- Name: goatherd_deletion_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_deletion_log (
    id bigint NOT NULL,
    at_ms bigint NOT NULL,
    action text NOT NULL,
    entity_type text NOT NULL,
    entity_id bigint NOT NULL,
    organisation bigint,
    by_user text,
    by_plugin text,
    reason text NOT NULL
);


--
-- Name: goatherd_deletion_log_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.goatherd_deletion_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.goatherd_deletion_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: goatherd_event; Type: TABLE; Schema: public; Owner: -
--

CREATE UNLOGGED TABLE public.goatherd_event (
    id bigint NOT NULL,
    plugin text NOT NULL,
    channel text NOT NULL,
    epoch bigint NOT NULL,
    number bigint NOT NULL,
    type bytea NOT NULL,
    data bytea NOT NULL,
    created timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: goatherd_event_count; Type: TABLE; Schema: public; Owner: -
--

CREATE UNLOGGED TABLE public.goatherd_event_count (
    plugin text NOT NULL,
    channel text NOT NULL,
    epoch bigint NOT NULL,
    number bigint NOT NULL,
    used timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: goatherd_event_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.goatherd_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.goatherd_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: goatherd_plugin; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_plugin (
    slug text NOT NULL,
    kind text NOT NULL,
    enabled boolean NOT NULL,
    config text NOT NULL,
    nav boolean NOT NULL,
    sort integer NOT NULL,
    labels text NOT NULL,
    revision bigint NOT NULL
);


--
-- Name: goatherd_plugin_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_plugin_version (
    one integer NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT goatherd_plugin_version_one_check CHECK ((one = 1))
);


--
-- Name: goatherd_policies; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_policies (
    plugin text NOT NULL,
    policy text NOT NULL,
    revision bigint NOT NULL
);


--
-- Name: goatherd_policy_audit; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_policy_audit (
    id bigint NOT NULL,
    at text NOT NULL,
    who text NOT NULL,
    plugin text NOT NULL,
    decided text NOT NULL,
    policy_before text,
    policy_after text,
    version text,
    hash text,
    reason text NOT NULL
);


--
-- Name: goatherd_policy_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_policy_version (
    one integer NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT goatherd_policy_version_one_check CHECK ((one = 1))
);


--
-- Name: goatherd_recycle_bin; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_recycle_bin (
    entity_type text NOT NULL,
    entity_id bigint NOT NULL,
    organisation bigint,
    deleted_at_ms bigint NOT NULL,
    deleted_by text,
    by_plugin text,
    reason text NOT NULL,
    expires_at_ms bigint NOT NULL,
    purge_after_ms bigint NOT NULL,
    mark_before text
);


--
-- Name: goatherd_secret; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_secret (
    plugin text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    org text NOT NULL COLLATE pg_catalog."C",
    key_id text NOT NULL COLLATE pg_catalog."C",
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    updated_at text NOT NULL
);


--
-- Name: goatherd_secret_key_retired; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.goatherd_secret_key_retired (
    key_id text NOT NULL COLLATE pg_catalog."C",
    retired_at text NOT NULL
);


--
-- Name: ticket; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ticket (
    id integer NOT NULL,
    title text NOT NULL,
    customer text,
    org_id integer,
    deleted_at text
);


--
-- Data for Name: contact; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.contact (id, name, valid_id) VALUES (2, 'Alan', 1);
INSERT INTO public.contact (id, name, valid_id) VALUES (1, '[DELETED]', 2);


--
-- Data for Name: goatherd_custom_choice; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_custom_choice (field_id, organisation, key, entity_id) VALUES (3, '', '\x002f16cf640fe39abfad274e65537fe801', 1);
INSERT INTO public.goatherd_custom_choice (field_id, organisation, key, entity_id) VALUES (3, '', '\x00f56622ae0bb66aecb5b1477fb1447bad', 1);
INSERT INTO public.goatherd_custom_choice (field_id, organisation, key, entity_id) VALUES (3, '7', '\x002f16cf640fe39abfad274e65537fe801', 1);
INSERT INTO public.goatherd_custom_choice (field_id, organisation, key, entity_id) VALUES (3, '7', '\x00f56622ae0bb66aecb5b1477fb1447bad', 1);
INSERT INTO public.goatherd_custom_choice (field_id, organisation, key, entity_id) VALUES (3, '7', '\x002f16cf640fe39abfad274e65537fe801', 2);
INSERT INTO public.goatherd_custom_choice (field_id, organisation, key, entity_id) VALUES (3, '7', '\x00f56622ae0bb66aecb5b1477fb1447bad', 2);


--
-- Data for Name: goatherd_custom_field; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_custom_field (id, plugin, entity_type, name, field_type, required, config, label, section, "position", description, placeholder) OVERRIDING SYSTEM VALUE VALUES (1, 'crm', 'ticket', 'segment', 'select', false, '{"options": ["small", "large"]}', 'The segment', 'Sales', 3, 'ä', '');
INSERT INTO public.goatherd_custom_field (id, plugin, entity_type, name, field_type, required, config, label, section, "position", description, placeholder) OVERRIDING SYSTEM VALUE VALUES (2, 'crm', 'ticket', 'score', 'decimal', false, '{"min": "-1.5"}', 'The score', 'Sales', 3, 'ä', '');
INSERT INTO public.goatherd_custom_field (id, plugin, entity_type, name, field_type, required, config, label, section, "position", description, placeholder) OVERRIDING SYSTEM VALUE VALUES (3, 'crm', 'ticket', 'tags', 'multi_select', false, '{"options": ["red", "green", "blue"]}', 'The tags', 'Sales', 3, 'ä', '');
INSERT INTO public.goatherd_custom_field (id, plugin, entity_type, name, field_type, required, config, label, section, "position", description, placeholder) OVERRIDING SYSTEM VALUE VALUES (4, 'stats', 'contact', 'born', 'date', false, '{}', 'The born', 'Sales', 3, 'ä', '');


--
-- Data for Name: goatherd_custom_value; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 1, '', '\x6c6172676500', 'large');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 1, '7', '\x6c6172676500', 'large');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (2, 1, '7', '\x6c6172676500', 'large');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 2, '', '\x8000000000000000000000000000000c12ced32a16a1b11e82628890', '12.250');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 2, '7', '\x8000000000000000000000000000000c12ced32a16a1b11e82628890', '12.250');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (2, 2, '7', '\x8000000000000000000000000000000c12ced32a16a1b11e82628890', '12.250');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 3, '', '\x003a2d3d75adc82199e0fd34065fb851cf', '["red","blue"]');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 3, '7', '\x003a2d3d75adc82199e0fd34065fb851cf', '["red","blue"]');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (2, 3, '7', '\x003a2d3d75adc82199e0fd34065fb851cf', '["red","blue"]');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 4, '', '\x313831352d31322d3130', '1815-12-10');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (1, 4, '7', '\x313831352d31322d3130', '1815-12-10');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (2, 4, '7', '\x313831352d31322d3130', '1815-12-10');
INSERT INTO public.goatherd_custom_value (entity_id, field_id, organisation, key, value) VALUES (3, 4, '8', '\x313831352d31322d3130', '1815-12-10');


--
-- Data for Name: goatherd_deletion_log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_deletion_log (id, at_ms, action, entity_type, entity_id, organisation, by_user, by_plugin, reason) OVERRIDING SYSTEM VALUE VALUES (1, 1795997059355, 'soft-delete', 'ticket', 1, 7, 'ann', NULL, 'asked by mail');
INSERT INTO public.goatherd_deletion_log (id, at_ms, action, entity_type, entity_id, organisation, by_user, by_plugin, reason) OVERRIDING SYSTEM VALUE VALUES (2, 1795997059357, 'soft-delete', 'ticket', 2, 7, 'ann', NULL, 'by mistake');
INSERT INTO public.goatherd_deletion_log (id, at_ms, action, entity_type, entity_id, organisation, by_user, by_plugin, reason) OVERRIDING SYSTEM VALUE VALUES (3, 1795997059359, 'restore', 'ticket', 2, 7, 'ann', NULL, '');
INSERT INTO public.goatherd_deletion_log (id, at_ms, action, entity_type, entity_id, organisation, by_user, by_plugin, reason) OVERRIDING SYSTEM VALUE VALUES (4, 1795997059360, 'hard-delete', 'ticket', 3, 8, 'ann', NULL, 'spam');
INSERT INTO public.goatherd_deletion_log (id, at_ms, action, entity_type, entity_id, organisation, by_user, by_plugin, reason) OVERRIDING SYSTEM VALUE VALUES (5, 1795997059363, 'soft-delete', 'contact', 1, NULL, 'ann', NULL, '');


--
-- Data for Name: goatherd_event; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_event (id, plugin, channel, epoch, number, type, data, created) OVERRIDING SYSTEM VALUE VALUES (1, 'newsletter', 'sent', -5212689736342444770, 1, '\x73656e74', '\x746f20616c6c', '2026-11-30 00:04:19.400533+00');


--
-- Data for Name: goatherd_event_count; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_event_count (plugin, channel, epoch, number, used) VALUES ('newsletter', 'sent', -5212689736342444770, 1, '2026-11-30 00:04:19.400189+00');


--
-- Data for Name: goatherd_plugin; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_plugin (slug, kind, enabled, config, nav, sort, labels, revision) VALUES ('stats', 'report', true, '{}', false, 0, '{}', 3);
INSERT INTO public.goatherd_plugin (slug, kind, enabled, config, nav, sort, labels, revision) VALUES ('newsletter', 'capability', true, '{"from":"news@acme.io","list":[1,"zwei",null]}', true, -5, '{"en":"Newsletter","pt-BR":"Boletim – \"novo\""}', 5);
INSERT INTO public.goatherd_plugin (slug, kind, enabled, config, nav, sort, labels, revision) VALUES ('crm', 'integration', false, '{"url":"https://crm.acme.io/ä?x=''"}', false, 0, '{}', 6);


--
-- Data for Name: goatherd_plugin_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_plugin_version (one, version) VALUES (1, 7);


--
-- Data for Name: goatherd_policies; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_policies (plugin, policy, revision) VALUES ('crm', '{"plugin_name":"crm","status":"restricted","memory_mb":64,"call_timeout":"30s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"cache","access":"readwrite"}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"operator"}', 2);
INSERT INTO public.goatherd_policies (plugin, policy, revision) VALUES ('newsletter', '{"plugin_name":"newsletter","status":"approved","memory_mb":128,"call_timeout":"5s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"db","access":"read","scope":["ticket","queue"]},{"type":"cache","access":"readwrite"},{"type":"email","scope":["@acme.io"]}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":7,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":0,"max_events_per_min":600,"decided_by":"operator","component":{"version":"1.2.0-rc.1","hash":"5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"},"revision":1}', 3);
INSERT INTO public.goatherd_policies (plugin, policy, revision) VALUES ('stats', '{"plugin_name":"stats","status":"approved","memory_mb":64,"call_timeout":"30s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"cache","access":"readwrite"}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"auto-approve","component":{"version":"1.2.0-rc.1","hash":"5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"}}', 4);


--
-- Data for Name: goatherd_policy_audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_policy_audit (id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason) VALUES (1, '2026-11-30T00:04:19.28703083Z', 'Ada', 'newsletter', 'approved', NULL, '{"plugin_name":"newsletter","status":"approved","memory_mb":64,"call_timeout":"5s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"db","access":"read","scope":["ticket","queue"]},{"type":"cache","access":"readwrite"},{"type":"email","scope":["@acme.io"]}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"operator","component":{"version":"1.2.0-rc.1","hash":"5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"}}', '1.2.0-rc.1', '5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f', 'reviewed with Ada; it''s "fine"');
INSERT INTO public.goatherd_policy_audit (id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason) VALUES (2, '2026-11-30T00:04:19.294131007Z', 'Ada', 'crm', 'restricted', NULL, '{"plugin_name":"crm","status":"restricted","memory_mb":64,"call_timeout":"30s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"cache","access":"readwrite"}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"operator"}', NULL, NULL, '');
INSERT INTO public.goatherd_policy_audit (id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason) VALUES (3, '2026-11-30T00:04:19.295320227Z', 'Ada', 'newsletter', 'limits', '{"plugin_name":"newsletter","status":"approved","memory_mb":64,"call_timeout":"5s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"db","access":"read","scope":["ticket","queue"]},{"type":"cache","access":"readwrite"},{"type":"email","scope":["@acme.io"]}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"operator","component":{"version":"1.2.0-rc.1","hash":"5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"}}', '{"plugin_name":"newsletter","status":"approved","memory_mb":128,"call_timeout":"5s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"db","access":"read","scope":["ticket","queue"]},{"type":"cache","access":"readwrite"},{"type":"email","scope":["@acme.io"]}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":7,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":0,"max_events_per_min":600,"decided_by":"operator","component":{"version":"1.2.0-rc.1","hash":"5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"}}', NULL, NULL, 'more memory');
INSERT INTO public.goatherd_policy_audit (id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason) VALUES (4, '2026-11-30T00:04:19.296434887Z', 'auto-approve: signed', 'stats', 'approved', NULL, '{"plugin_name":"stats","status":"approved","memory_mb":64,"call_timeout":"30s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"cache","access":"readwrite"}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"auto-approve","component":{"version":"1.2.0-rc.1","hash":"5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"}}', '1.2.0-rc.1', '5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f', 'signed by the company');
INSERT INTO public.goatherd_policy_audit (id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason) VALUES (5, '2026-11-30T00:04:19.297504098Z', 'Ada', 'gone', 'blocked', NULL, '{"plugin_name":"gone","status":"blocked","memory_mb":64,"call_timeout":"30s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"cache","access":"readwrite"}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"operator"}', NULL, NULL, 'what was it?');
INSERT INTO public.goatherd_policy_audit (id, at, who, plugin, decided, policy_before, policy_after, version, hash, reason) VALUES (6, '2026-11-30T00:04:19.29858041Z', 'Ada', 'gone', 'forgotten', '{"plugin_name":"gone","status":"blocked","memory_mb":64,"call_timeout":"30s","init_timeout":"10s","shutdown_timeout":"5s","permissions":[{"type":"cache","access":"readwrite"}],"mode":"pooled","instances":0,"queue":1000,"max_invocations":0,"max_calls_per_second":100,"max_db_queries_per_min":600,"max_http_req_per_min":60,"max_emails_per_min":10,"max_events_per_min":600,"decided_by":"operator"}', NULL, NULL, NULL, 'removed');


--
-- Data for Name: goatherd_policy_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_policy_version (one, version) VALUES (1, 6);


--
-- Data for Name: goatherd_recycle_bin; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_recycle_bin (entity_type, entity_id, organisation, deleted_at_ms, deleted_by, by_plugin, reason, expires_at_ms, purge_after_ms, mark_before) VALUES ('ticket', 1, 7, 1795997059355, 'ann', NULL, 'asked by mail', 1803773059355, 1803773059355, NULL);
INSERT INTO public.goatherd_recycle_bin (entity_type, entity_id, organisation, deleted_at_ms, deleted_by, by_plugin, reason, expires_at_ms, purge_after_ms, mark_before) VALUES ('contact', 1, NULL, 1795997059363, 'ann', NULL, '', 1801181059363, 1801181059363, '1');


--
-- Data for Name: goatherd_secret; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_secret (plugin, name, org, key_id, nonce, ciphertext, updated_at) VALUES ('newsletter', 'smtp_password', '', '6a45ff5938ec98b9', '\x8bc0a1c6f5ea17c78cad70aef5ee81490328355bc0693e2d', '\x01c19292e5dd31a2c3e1cccee42d04522781db43c36811e6', '2026-11-30T00:04:19.300693445Z');
INSERT INTO public.goatherd_secret (plugin, name, org, key_id, nonce, ciphertext, updated_at) VALUES ('newsletter', 'smtp_password', '7', '6a45ff5938ec98b9', '\x7a35ad2b000ad9d289aa988548dc4b1a7bd5e26b9787959c', '\x0193484fc73a769ad0e39061f8647bcc86b14318b910ba2595022565a9f58b88c4', '2026-11-30T00:04:19.301740543Z');
INSERT INTO public.goatherd_secret (plugin, name, org, key_id, nonce, ciphertext, updated_at) VALUES ('newsletter', 'smtp_password', '8', '6a45ff5938ec98b9', '\x14d32d37e8d80b893eda6885d6c860f0c658fd52aa7360b4', '\x01642c1d39e1f9d0af9f6cf1d75f2d0287327ea5ab57', '2026-11-30T00:04:19.329189539Z');
INSERT INTO public.goatherd_secret (plugin, name, org, key_id, nonce, ciphertext, updated_at) VALUES ('crm', 'token', '', '6a45ff5938ec98b9', '\xc9bb6b88a95456c3e19ee5e4d97dce05a11d1889dfe35a67', '\x01d74eef171289f9dae0a3a8e6ff5b85e5bf840d8eaa3abed21f428a155af976e50bd02293f565b80187ad', '2026-11-30T00:04:19.330121285Z');


--
-- Data for Name: goatherd_secret_key_retired; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.goatherd_secret_key_retired (key_id, retired_at) VALUES ('d975ebaa18f5dd29', '2026-11-30T00:04:19.314545492Z');


--
-- Data for Name: ticket; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ticket (id, title, customer, org_id, deleted_at) VALUES (4, 'Desk', 'Nobody', NULL, NULL);
INSERT INTO public.ticket (id, title, customer, org_id, deleted_at) VALUES (1, 'Printer', '[DELETED]', 7, '2026-11-30T00:04:19.355Z');
INSERT INTO public.ticket (id, title, customer, org_id, deleted_at) VALUES (2, 'Screen', '[DELETED]', 7, NULL);


--
-- Name: goatherd_custom_field_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.goatherd_custom_field_id_seq', 4, true);


--
-- Name: goatherd_deletion_log_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.goatherd_deletion_log_id_seq', 5, true);


--
-- Name: goatherd_event_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.goatherd_event_id_seq', 1, true);


--
-- Name: contact contact_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (id);


--
-- Name: goatherd_custom_choice goatherd_custom_choice_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_custom_choice
    ADD CONSTRAINT goatherd_custom_choice_pkey PRIMARY KEY (field_id, organisation, key, entity_id);


--
-- Name: goatherd_custom_field goatherd_custom_field_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_custom_field
    ADD CONSTRAINT goatherd_custom_field_pkey PRIMARY KEY (id);


--
-- Name: goatherd_custom_field goatherd_custom_field_plugin_entity_type_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_custom_field
    ADD CONSTRAINT goatherd_custom_field_plugin_entity_type_name_key UNIQUE (plugin, entity_type, name);


--
-- Name: goatherd_custom_value goatherd_custom_value_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_custom_value
    ADD CONSTRAINT goatherd_custom_value_pkey PRIMARY KEY (entity_id, field_id, organisation);


--
-- Name: goatherd_deletion_log goatherd_deletion_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_deletion_log
    ADD CONSTRAINT goatherd_deletion_log_pkey PRIMARY KEY (id);


--
-- Name: goatherd_event_count goatherd_event_count_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_event_count
    ADD CONSTRAINT goatherd_event_count_pkey PRIMARY KEY (plugin, channel);


--
-- Name: goatherd_event goatherd_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_event
    ADD CONSTRAINT goatherd_event_pkey PRIMARY KEY (id);


--
-- Name: goatherd_plugin goatherd_plugin_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_plugin
    ADD CONSTRAINT goatherd_plugin_pkey PRIMARY KEY (slug);


--
-- Name: goatherd_plugin_version goatherd_plugin_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_plugin_version
    ADD CONSTRAINT goatherd_plugin_version_pkey PRIMARY KEY (one);


--
-- Name: goatherd_policies goatherd_policies_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_policies
    ADD CONSTRAINT goatherd_policies_pkey PRIMARY KEY (plugin);


--
-- Name: goatherd_policy_audit goatherd_policy_audit_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_policy_audit
    ADD CONSTRAINT goatherd_policy_audit_pkey PRIMARY KEY (id);


--
-- Name: goatherd_policy_version goatherd_policy_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_policy_version
    ADD CONSTRAINT goatherd_policy_version_pkey PRIMARY KEY (one);


--
-- Name: goatherd_recycle_bin goatherd_recycle_bin_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_recycle_bin
    ADD CONSTRAINT goatherd_recycle_bin_pkey PRIMARY KEY (entity_type, entity_id);


--
-- Name: goatherd_secret_key_retired goatherd_secret_key_retired_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_secret_key_retired
    ADD CONSTRAINT goatherd_secret_key_retired_pkey PRIMARY KEY (key_id);


--
-- Name: goatherd_secret goatherd_secret_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_secret
    ADD CONSTRAINT goatherd_secret_pkey PRIMARY KEY (plugin, name, org);


--
-- Name: ticket ticket_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_pkey PRIMARY KEY (id);


--
-- Name: goatherd_custom_choice_by_entity; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_custom_choice_by_entity ON public.goatherd_custom_choice USING btree (entity_id, field_id, organisation);


--
-- Name: goatherd_custom_field_by_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_custom_field_by_type ON public.goatherd_custom_field USING btree (entity_type);


--
-- Name: goatherd_custom_value_by_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_custom_value_by_key ON public.goatherd_custom_value USING btree (field_id, organisation, key, entity_id);


--
-- Name: goatherd_deletion_log_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_deletion_log_type ON public.goatherd_deletion_log USING btree (entity_type, id DESC);


--
-- Name: goatherd_event_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_event_created ON public.goatherd_event USING btree (created);


--
-- Name: goatherd_policy_audit_plugin; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_policy_audit_plugin ON public.goatherd_policy_audit USING btree (plugin, id);


--
-- Name: goatherd_recycle_bin_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_recycle_bin_due ON public.goatherd_recycle_bin USING btree (purge_after_ms);


--
-- Name: goatherd_recycle_bin_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_recycle_bin_newest ON public.goatherd_recycle_bin USING btree (entity_type, organisation, deleted_at_ms DESC, entity_id DESC);


--
-- Name: goatherd_secret_by_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX goatherd_secret_by_key ON public.goatherd_secret USING btree (key_id);


--
-- Name: goatherd_policy_audit goatherd_policy_audit_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER goatherd_policy_audit_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.goatherd_policy_audit FOR EACH STATEMENT EXECUTE FUNCTION public.goatherd_policy_audit_kept();


--
-- Name: goatherd_custom_choice goatherd_custom_choice_entity_id_field_id_organisation_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_custom_choice
    ADD CONSTRAINT goatherd_custom_choice_entity_id_field_id_organisation_fkey FOREIGN KEY (entity_id, field_id, organisation) REFERENCES public.goatherd_custom_value(entity_id, field_id, organisation) ON DELETE CASCADE;


--
-- Name: goatherd_custom_value goatherd_custom_value_field_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.goatherd_custom_value
    ADD CONSTRAINT goatherd_custom_value_field_id_fkey FOREIGN KEY (field_id) REFERENCES public.goatherd_custom_field(id);


--
-- PostgreSQL database dump complete
--


