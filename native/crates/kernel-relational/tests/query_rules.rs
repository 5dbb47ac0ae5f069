//! What a query may read, and what planning may compute.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use kernel_relational::{
    Database, ExpressionIssue, IntegerSums, Limits, Location, Query, RelationalError,
    check_expression, check_measure, check_query,
};
use support::{Folder, library, limits, memory_database};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("s", DataType::Utf8, true),
    ]))
}

fn check(database: &Arc<Database>, sql: &str) -> Result<(), RelationalError> {
    check_query(
        database,
        &[("t".to_string(), schema())],
        sql,
        IntegerSums::Int64,
    )
    .map(drop)
}

fn issue_of(outcome: Result<(), RelationalError>, text: &str) -> ExpressionIssue {
    match outcome {
        Err(RelationalError::Query { issue } | RelationalError::Expression { issue, .. }) => issue,
        other => panic!("{text}: {other:?}"),
    }
}

/// Names of DuckDB's own functions of some types.
fn functions(database: &Arc<Database>, types: &str) -> Vec<String> {
    let (_, batches) = database
        .query(&format!(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE internal AND function_type IN ({types}) ORDER BY 1"
        ))
        .unwrap();
    let columns = batches
        .iter()
        .map(|batch| batch.column(0).as_string::<i32>());
    columns
        .flat_map(|names| names.iter().flatten().map(String::from))
        .collect()
}

#[test]
fn of_all_table_functions_only_those_of_their_arguments_can_be_called() {
    let database = memory_database();
    let mut open = Vec::new();
    let names = functions(&database, "'table', 'table_macro'");
    assert!(names.len() > 90, "{names:?}");
    for name in names {
        let sql = format!("SELECT * FROM t, {name}('a')");
        let issue = issue_of(
            check(&database, &sql).and(check(&database, "SELECT none FROM t")),
            &sql,
        );
        let is_refused = [
            "file system operations are disabled",
            "depends on",
            "what a text says",
        ]
        .iter()
        .any(|reason| issue.message.contains(reason));
        if !is_refused {
            open.push(name);
        } else {
            assert_eq!(issue.position, Some(17), "{name}");
        }
    }
    assert_eq!(
        open,
        [
            "generate_series",
            "json_each",
            "json_tree",
            "range",
            "repeat",
            "repeat_row",
            "unnest"
        ]
    );
}

#[test]
fn what_reads_the_session_or_files_is_refused() {
    let database = memory_database();
    let texts = [
        "SELECT current_setting('temp_directory') FROM t",
        "SELECT getvariable('x')",
        "SELECT getenv('HOME')",
        "SELECT current_database()",
        "SELECT current_user",
        "SELECT a FROM t WHERE current_date IS NULL",
        "SELECT \"localtimestamp\" FROM t",
        "SELECT current_schemas(true)",
        "SELECT pg_catalog.pg_postmaster_start_time()",
        "SELECT txid_current()",
        "SELECT write_log('x')",
        "SELECT * FROM duckdb_tables",
        "SELECT * FROM main.duckdb_settings()",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_settings",
        "SELECT * FROM system.main.duckdb_views",
        "SELECT * FROM sqlite_master",
        "SHOW TABLES",
        "SELECT * FROM (SHOW DATABASES)",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('t')",
        "SELECT (SELECT max(content) FROM read_text('/etc/hostname'))",
        "WITH x AS (FROM glob('*')) FROM x",
        "SELECT a IN (FROM read_csv('/etc/passwd')) FROM t",
        "FROM t UNION ALL FROM read_blob('/etc/hostname')",
        "FROM '/etc/passwd'",
        "FROM \"data.csv\"",
        "FROM 'data.parquet'",
        "SUMMARIZE 'data.csv'",
        "DESCRIBE 'data.csv'",
        "FROM sferic_input(1)",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SET threads = 1",
        "EXPLAIN SELECT 1",
    ];
    for text in texts {
        let issue = issue_of(check(&database, text), text);
        let reasons = [
            "file system operations are disabled",
            "depends on",
            "only a SELECT",
            "what a text says",
            "getenv",
            "more than one",
        ];
        assert!(
            reasons.iter().any(|reason| issue.message.contains(reason)),
            "{text}: {}",
            issue.message
        );
    }
}

#[test]
fn what_reads_its_inputs_goes_on() {
    let database = memory_database();
    for sql in [
        "SELECT * FROM t",
        "FROM T",
        "WITH duckdb_tables AS (SELECT 1 AS x) FROM duckdb_tables",
        "SELECT * FROM (SUMMARIZE t)",
        "SELECT * FROM (DESCRIBE t)",
        "SELECT r.range, a FROM t, range(10) r",
        "SELECT unnest([1, 2]) FROM t",
        "SELECT * FROM t, json_each('[1]')",
        "PIVOT t ON a IN (1, 2) USING max(s)",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 10) FROM r",
        "SELECT pg_typeof(a) FROM t;",
        "VALUES (1), (2)",
    ] {
        check(&database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[test]
fn nothing_is_made_or_read_before_it_is_refused() {
    let folder = Folder::new("closed");
    std::fs::write(folder.join("secret.csv"), "a\n1\n").unwrap();
    let spill = folder.join("spill");
    let database = Database::open(
        library(),
        Location::Memory,
        Limits {
            temp_directory: Some(spill.clone()),
            ..limits()
        },
    )
    .unwrap();
    let made = folder.join("made");
    let made = made.display();
    for sql in [
        format!("EXPORT DATABASE '{made}'"),
        format!("COPY t TO '{made}'"),
        format!("COPY (SELECT 1) TO '{made}' (PARTITION_BY a)"),
        format!("ATTACH '{made}'"),
        format!("SELECT 1; EXPORT DATABASE '{made}'"),
    ] {
        issue_of(check(&database, &sql), &sql);
        assert!(!folder.join("made").exists(), "{sql}");
    }
    // Also without the check nothing around the private folder can be read.
    for parent in [
        folder.join("secret.csv"),
        spill.join("*"),
        std::env::temp_dir().join("*"),
    ] {
        let sql = format!("SELECT * FROM glob('{}')", parent.display());
        let read = Query::run(&database, vec![], &sql, Arc::new(|| false));
        assert!(read.is_err(), "{sql}");
    }
}

#[test]
fn what_planning_computes_is_bounded() {
    let database = memory_database();
    let started = Instant::now();
    let expressions = [
        "list_sum(range(3000000000))",
        "list_sum(range(3 * 1000 * 1000 * CAST(1000 AS BIGINT)))",
        "repeat('x', 1000000000)",
        "length(repeat('x', 1000000000))",
        "repeat('x', CAST('1000000000' AS BIGINT))",
        "repeat('x', pow(10, 9)::BIGINT)",
        "s || repeat('x', 1000000000)",
        "a + list_sum(range(3000000000))",
        "CASE WHEN a > 0 THEN length(repeat('x', 1000000000)) END",
        "repeat(repeat(repeat('x', 10000), 10000), 10000)",
        "generate_series(1, 3000000000)",
        "generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2030-01-01', INTERVAL 1 second)",
        "lpad('x', 1000000000, 'y')",
        "rpad('x', 1000000000, 'y')",
        "list_resize([1], 1000000000)",
        "bar(1, 0, 1, 1000000000)",
        "printf('%1000000000d', 1)",
        "format('{:1000000000}', 1)",
        "list_transform(range(10000), x -> range(100000))",
        "list_transform(range(10000), x -> repeat('y', 100000))",
        "list_transform([1000000000], x -> repeat('y', x))",
        "list_reduce(range(60), (x, y) -> x || x, 'a')",
        "list_reduce(list_transform(range(40), x -> 'a'), (x, y) -> concat(x, x))",
        "regexp_matches(s, repeat('a', 1000000000))",
        "regexp_replace(repeat('a', 100000), 'a', repeat('b', 100000), 'g')",
        "replace(repeat('a', 100000), 'a', repeat('b', 100000))",
        "levenshtein(repeat('a', 1000000), repeat('b', 1000000))",
        "flatten([range(100000000), range(100000000)])",
        "list_sort(range(300000000))",
        "CAST(NULL AS INTEGER[100000][100000])",
        "string_split(repeat('a,', 100000000), ',')",
    ];
    for text in expressions {
        let issue = issue_of(check_expression(&database, &schema(), text).map(drop), text);
        assert!(issue.is_too_costly, "{text}: {}", issue.message);
        let in_query = format!("SELECT {text} FROM t");
        let issue = issue_of(check(&database, &in_query), &in_query);
        assert!(issue.is_too_costly, "{in_query}: {}", issue.message);
    }
    let long = [
        "regexp_matches(s, repeat('(a|b)', 200000))",
        "regexp_replace(s, repeat('(a|b)', 3000), 'x')",
        "regexp_extract(s, repeat('(a|b)', 3000))",
        "string_split_regex(s, repeat('(a|b)', 3000))",
        "s SIMILAR TO repeat('(a|b)', 200000)",
        "s NOT SIMILAR TO repeat('(a|b)', 200000)",
        "s ~ repeat('(a|b)', 3000)",
        "s LIKE repeat('%a', 200000)",
        "s NOT LIKE repeat('%a', 200000)",
        "s ILIKE repeat('%a', 200000)",
        "s LIKE repeat('%a', 200000) ESCAPE '!'",
        "s GLOB repeat('*a', 200000)",
        "json_extract(s, '$' || repeat('.a', 1000000))",
        "json_extract_string(s, ['$' || repeat('.a', 1000000)])",
        "s->>('$' || repeat('.a', 1000000))",
        "s->('$' || repeat('.a', 1000000))",
    ];
    for text in long {
        let issue = issue_of(check_expression(&database, &schema(), text).map(drop), text);
        assert!(issue.is_too_costly, "{text}: {}", issue.message);
    }
    let measure = "sum(a) + max(list_sum(range(3000000000)))";
    let issue = issue_of(
        check_measure(&database, &schema(), &[], measure, IntegerSums::Int64).map(drop),
        measure,
    );
    assert!(
        issue.is_too_costly && issue.position == Some(22),
        "{issue:?}"
    );
    let chain = |step: &str| -> String {
        let parts = (1..40).map(|index| {
            step.replace("NEXT", &format!("n{index}"))
                .replace("LAST", &format!("n{}", index - 1))
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    for sql in [
        "SELECT * FROM t LIMIT list_sum(range(3000000000))".to_string(),
        "SELECT * FROM t WHERE a > list_sum(range(3000000000))".to_string(),
        "SELECT * FROM range(list_sum(range(3000000000))::BIGINT)".to_string(),
        "WITH x AS (SELECT repeat('x', 1000000000) AS v) SELECT v FROM x".to_string(),
        "SELECT (SELECT list_sum(range(3000000000)))".to_string(),
        "SELECT a FROM t ORDER BY list_sum(range(3000000000))".to_string(),
        "SELECT a FROM t JOIN t u ON length(repeat('x', 1000000000)) = u.a".to_string(),
        "VALUES (list_sum(range(3000000000)))".to_string(),
        "SELECT unnest(range(3000000000))".to_string(),
        format!("SELECT 'x' AS n0, {}", chain("LAST || LAST AS NEXT")),
        format!(
            "WITH n0 AS (FROM t), {} FROM n39",
            chain("NEXT AS (SELECT x.*, y.* FROM LAST x, LAST y)")
        ),
    ] {
        let issue = issue_of(check(&database, &sql), &sql);
        assert!(issue.is_too_costly, "{sql}: {}", issue.message);
    }
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn constants_of_a_usual_size_are_computed() {
    let database = memory_database();
    for text in [
        "list_contains(range(1000), a)",
        "list_sum(range(100000))",
        "lpad(s, 10, '0')",
        "repeat('ab', 1000)",
        "repeat(s, 1000000000)",
        "list_transform(range(1000), x -> x * 2)",
        "list_transform([1, 2, 3], x -> repeat('a', x))",
        "list_reduce([1, 2, 3], (x, y) -> x + y)",
        "list_transform([a], x -> repeat('a', x))",
        "list_filter(['a', 'b'], x -> x = s)",
        "format('{:>20} {:.3f}', s, 1.5)",
        "printf('%05d', 5)",
        "strftime(TIMESTAMP '2020-01-01', '%Y-%m-%d %H:%M:%S')",
        "regexp_replace('abc', 'b', 'x')",
        "CAST('2020-01-01' AS TIMESTAMP) + INTERVAL 1 DAY",
        "generate_series(DATE '2020-01-01', DATE '2021-01-01', INTERVAL 1 DAY)",
        "CAST([1, 2, 3] AS FLOAT[3])",
        "a * 1000000000 + 10 ** 12",
    ] {
        check_expression(&database, &schema(), text)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let sql = format!("SELECT {text} FROM t");
        check(&database, &sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    check(&database, "SELECT 5 AS n, repeat('x', n)").unwrap();
    check(&database, "FROM range(3000000000)").unwrap();
}
