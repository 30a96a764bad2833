//! Functions that plugins may call, and types that they may name.
//!
//! Everybody may execute nearly all of the engine's functions, and everything that an application defines, and that
//! cannot be taken from a single role. So a statement is searched for [`calls`](super::calls), and only these names pass: functions that
//! look at nothing but their arguments and the clock. Not among them, for instance: `set_config`, all of `pg_…` and
//! `lo_…`, `query_to_xml`, `ts_stat` and `ts_rewrite` (which run SQL from a string), `to_regclass` and `has_…_privilege`
//! (which look at the catalogue), and `current_setting`.

/// Sorted, in lower case. Types are here because they look like calls when they are cast to or have a length.
#[rustfmt::skip]
const CALLABLE: &[&str] = &[
    "abbrev", "abs", "acos", "acosd", "acosh", "age", "any_value", "area", "array_agg", "array_append",
    "array_cat", "array_dims", "array_fill", "array_length", "array_lower", "array_ndims", "array_position",
    "array_positions", "array_prepend", "array_remove", "array_replace", "array_sample", "array_shuffle",
    "array_to_json", "array_to_string", "array_to_tsvector", "array_upper", "ascii", "asin", "asind", "asinh",
    "atan", "atan2", "atan2d", "atand", "atanh", "avg", "bernoulli", "bigint", "bit", "bit_and", "bit_count",
    "bit_length", "bit_or", "bit_xor", "bool", "bool_and", "bool_or", "boolean", "bound_box", "box", "bpchar",
    "broadcast", "btrim", "bytea", "cardinality", "cast", "cbrt", "ceil", "ceiling", "center", "char",
    "char_length", "character", "character_length", "chr", "cidr", "circle", "clock_timestamp", "coalesce",
    "concat", "concat_ws", "convert", "convert_from", "convert_to", "corr", "cos", "cosd", "cosh", "cot",
    "cotd", "count", "covar_pop", "covar_samp", "cume_dist", "current_time", "current_timestamp", "currval",
    "date", "date_add", "date_bin", "date_part", "date_subtract", "date_trunc", "datemultirange", "daterange",
    "dec", "decimal", "decode", "degrees", "dense_rank", "diagonal", "diameter", "div", "encode", "enum_first",
    "enum_last", "enum_range", "erf", "erfc", "every", "exp", "extract", "factorial", "family", "first_value",
    "float", "float4", "float8", "floor", "format", "gcd", "gen_random_uuid", "generate_series",
    "generate_subscripts", "get_bit", "get_byte", "greatest", "grouping", "height", "host", "hostmask", "inet",
    "inet_merge", "inet_same_family", "initcap", "int", "int2", "int4", "int4multirange", "int4range", "int8",
    "int8multirange", "int8range", "integer", "interval", "is_normalized", "isclosed", "isempty", "isfinite",
    "isopen", "json", "json_agg", "json_array", "json_array_elements", "json_array_elements_text",
    "json_array_length", "json_arrayagg", "json_build_array", "json_build_object", "json_each",
    "json_each_text", "json_extract_path", "json_extract_path_text", "json_object", "json_object_agg",
    "json_object_keys", "json_objectagg", "json_populate_record", "json_populate_recordset", "json_strip_nulls",
    "json_to_record", "json_to_recordset", "json_typeof", "jsonb", "jsonb_agg", "jsonb_array_elements",
    "jsonb_array_elements_text", "jsonb_array_length", "jsonb_build_array", "jsonb_build_object", "jsonb_each",
    "jsonb_each_text", "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_insert", "jsonb_object",
    "jsonb_object_agg", "jsonb_object_keys", "jsonb_path_exists", "jsonb_path_exists_tz", "jsonb_path_match",
    "jsonb_path_match_tz", "jsonb_path_query", "jsonb_path_query_array", "jsonb_path_query_array_tz",
    "jsonb_path_query_first", "jsonb_path_query_first_tz", "jsonb_path_query_tz", "jsonb_populate_record",
    "jsonb_populate_recordset", "jsonb_pretty", "jsonb_set", "jsonb_set_lax", "jsonb_strip_nulls",
    "jsonb_to_record", "jsonb_to_recordset", "jsonb_typeof", "justify_days", "justify_hours",
    "justify_interval", "lag", "last_value", "lastval", "lcm", "lead", "least", "left", "length", "line", "ln",
    "localtime", "localtimestamp", "log", "log10", "lower", "lower_inc", "lower_inf", "lpad", "lseg", "ltrim",
    "macaddr", "macaddr8", "make_date", "make_interval", "make_time", "make_timestamp", "make_timestamptz",
    "masklen", "max", "md5", "min", "min_scale", "mod", "mode", "money", "multirange", "netmask", "network",
    "nextval", "normalize", "now", "npoints", "nth_value", "ntile", "nullif", "num_nonnulls", "num_nulls",
    "numeric", "nummultirange", "numnode", "numrange", "octet_length", "overlaps", "overlay", "parse_ident",
    "path", "pclose", "percent_rank", "percentile_cont", "percentile_disc", "phraseto_tsquery", "pi",
    "plainto_tsquery", "point", "polygon", "popen", "position", "pow", "power", "querytree", "quote_ident",
    "quote_literal", "quote_nullable", "radians", "radius", "random", "random_normal", "range_agg",
    "range_intersect_agg", "range_merge", "rank", "real", "regexp_count", "regexp_instr", "regexp_like",
    "regexp_match", "regexp_matches", "regexp_replace", "regexp_split_to_array", "regexp_split_to_table",
    "regexp_substr", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope",
    "regr_sxx", "regr_sxy", "regr_syy", "repeat", "replace", "reverse", "right", "round", "row_number",
    "row_to_json", "rpad", "rtrim", "scale", "set_bit", "set_byte", "set_masklen", "setweight", "sha224",
    "sha256", "sha384", "sha512", "sign", "sin", "sind", "sinh", "slope", "smallint", "split_part", "sqrt",
    "starts_with", "statement_timestamp", "stddev", "stddev_pop", "stddev_samp", "string_agg",
    "string_to_array", "string_to_table", "strip", "strpos", "substr", "substring", "sum", "system", "tan",
    "tand", "tanh", "text", "time", "timeofday", "timestamp", "timestamptz", "timetz", "timezone", "to_ascii",
    "to_bin", "to_char", "to_date", "to_hex", "to_json", "to_jsonb", "to_number", "to_oct", "to_timestamp",
    "to_tsquery", "to_tsvector", "transaction_timestamp", "translate", "treat", "trim", "trim_array",
    "trim_scale", "trunc", "ts_delete", "ts_filter", "ts_headline", "ts_rank", "ts_rank_cd", "tsmultirange",
    "tsquery", "tsquery_phrase", "tsrange", "tstzmultirange", "tstzrange", "tsvector", "tsvector_to_array",
    "unistr", "unnest", "upper", "upper_inc", "upper_inf", "uuid", "var_pop", "var_samp", "varbit", "varchar",
    "variance", "websearch_to_tsquery", "width", "width_bucket",
];

/// Types that every plugin may name in a cast; the application's own are looked up.
#[rustfmt::skip]
const TYPES: &[&str] = &[
    "bigint", "bit", "bool", "boolean", "box", "bpchar", "bytea", "char", "character", "cidr", "circle", "date",
    "datemultirange", "daterange", "dec", "decimal", "double", "float", "float4", "float8", "inet", "int",
    "int2", "int4", "int4multirange", "int4range", "int8", "int8multirange", "int8range", "integer", "interval",
    "json", "jsonb", "jsonpath", "line", "lseg", "macaddr", "macaddr8", "money", "national", "nchar", "numeric",
    "nummultirange", "numrange", "path", "point", "polygon", "real", "setof", "smallint", "text", "time",
    "timestamp", "timestamptz", "timetz", "tsmultirange", "tsquery", "tsrange", "tstzmultirange", "tstzrange",
    "tsvector", "uuid", "varbit", "varchar", "xml",
];

/// Whether plugins may call the function of this name.
pub(super) fn callable(name: &str) -> bool {
    CALLABLE.binary_search(&name).is_ok()
}

/// Whether this is a type of the engine's that says nothing about the catalogue.
pub(super) fn is_type(name: &str) -> bool {
    TYPES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::{CALLABLE, TYPES, callable};

    #[test]
    fn the_lists_are_sorted_and_name_no_function_that_reaches_further() {
        for list in [CALLABLE, TYPES] {
            for pair in list.windows(2) {
                assert!(pair[0] < pair[1], "{pair:?}");
            }
        }
        for name in [
            "set_config",
            "current_setting",
            "query_to_xml",
            "table_to_xml",
            "cursor_to_xml",
            "ts_stat",
            "ts_rewrite",
            "to_regclass",
            "to_regrole",
            "setval",
            "loread",
            "lowrite",
            "dblink",
            "version",
            "current_query",
            "inet_server_addr",
            "txid_current",
            "col_description",
            "obj_description",
            "format_type",
            "currtid2",
            "row_security_active",
            "has_table_privilege",
            "xmlparse",
            "setseed",
            "makeaclitem",
            "aclexplode",
            "current_schemas",
            "current_database",
            "getpgusername",
            "ts_debug",
            "ts_token_type",
        ] {
            assert!(!callable(name), "{name}");
        }
        for name in CALLABLE {
            assert!(
                !name.starts_with("pg_") && !name.starts_with("lo_"),
                "{name}"
            );
        }
    }
}
