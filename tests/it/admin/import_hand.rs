//! `heliostat import mirrorbrain` of what pg_dump did not write: files made by hand and by
//! `mb export`, other schemas; what is refused, noted, and too much.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::stand_in::site::{TestSite, failure, program_path};

const COLUMNS: &str = "identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, status_baseurl, \
    region, country, asn, prefix, score, comment, lat, lng";

fn server(name: &str, url: &str) -> String {
    format!(
        "INSERT INTO server ({COLUMNS}) VALUES ('{name}', '{url}', '', '', 't', 't', 'eu', 'de', \
         '0', '', '100', '', NULL, NULL);\n"
    )
}

fn write(site: &TestSite, text: &str) -> PathBuf {
    let path = site.path("mirrors.sql");
    std::fs::write(&path, text).expect("a file");
    path
}

fn import(site: &TestSite, text: &str) -> Output {
    let path = write(site, text);
    let path = path.to_str().expect("text");
    site.run("heliostat", &["import", "mirrorbrain", path, "--json"])
}

#[track_caller]
fn imported(site: &TestSite, text: &str) -> Value {
    let output = import(site, text);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}: {said}");
    serde_json::from_slice(&output.stdout).expect("a summary")
}

#[track_caller]
fn mirrors(site: &TestSite) -> Vec<Value> {
    let list = site.run_ok("heliostat", &["list", "-a", "--json"]);
    serde_json::from_str(&list).expect("JSON")
}

#[test]
fn an_alias_of_the_table_does_not_hide_the_columns() {
    let site = TestSite::new();
    // As many values as the usual columns, in another order: `enabled` and `country_only` changed
    // places.
    let text = "INSERT INTO server AS s (id, identifier, baseurl, baseurl_ftp, baseurl_rsync, \
        country_only, status_baseurl, region, country, asn, prefix, ipv6_only, score, scan_fpm, \
        last_scan, comment, operator_name, operator_url, public_notes, admin, admin_email, lat, \
        lng, enabled, region_only, as_only, prefix_only, other_countries, file_maxsize) VALUES \
        (1, 'm', 'http://m/', '', '', 't', 't', 'eu', 'de', 0, '', 'f', 100, 0, NULL, '', '', '', \
        '', '', '', NULL, NULL, 'f', 'f', 'f', 'f', '', 0);\n";
    imported(&site, text);
    let found = &mirrors(&site)[0];
    assert_eq!(
        (&found["enabled"], &found["country_only"]),
        (&false.into(), &true.into())
    );
}

#[test]
fn a_file_of_inserts_needs_no_closing_line_and_no_numbers() {
    let site = TestSite::new();
    let text = format!(
        "\u{feff}-- our mirrors\nBEGIN;\n{}{}\
         INSERT INTO public.server (id, identifier, baseurl, enabled, status_baseurl, last_scan)\n\
         VALUES (7, 'c.example.org', 'http://c.example.org/', true, false, now());\n\
         INSERT INTO filearr (id, path, mirrors) VALUES\n\
         (1, 'a.iso', ARRAY[7, 8]::smallint[]), (2, 'b.iso', '{{8}}'::smallint[]);\nCOMMIT",
        server("a.example.org", "http://a.example.org/"),
        server("b.example.org", "http://b.example.org/"),
    );
    let summary = imported(&site, &(text.clone() + ";"));
    assert_eq!(summary["counts"]["mirrors"], 3);
    assert_eq!(summary["counts"]["pairs"], 3);
    let ids = mirrors(&site);
    let mut ids: Vec<_> = ids
        .iter()
        .map(|m| (m["id"].clone(), m["identifier"].clone()))
        .collect();
    ids.sort_by_key(|(id, _)| id.as_i64());
    let expected = [(7, "c"), (8, "a"), (9, "b")];
    let expected = expected.map(|(id, name)| (id.into(), format!("{name}.example.org").into()));
    assert_eq!(ids, expected, "numbers that are given stay");

    // Broken off in the middle of a statement it is cut all the same.
    let site = TestSite::new();
    let (code, said) = failure(&import(&site, &text));
    assert!(code == Some(1) && said.contains("is cut"), "{said}");
    let (_, said) = failure(&import(&site, "-- nothing\n"));
    assert!(said.contains("the dump is empty"), "{said}");
}

#[test]
fn what_mb_exports_is_read_with_its_quotes() {
    let site = TestSite::new();
    let comment = "Added - by O'Hara; $5\n'quotes' \\ and; -- such";
    let text = format!(
        "\n--\n-- generated on Wed May  6 14:36:10 2009\n--\n--\n-- m.example.org\n--\n\
         INSERT INTO server (\n  identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, \
         status_baseurl,\n  region, country, asn, prefix,\n  score, comment, operator_name,\n  \
         lat, lng, country_only, other_countries, file_maxsize, scan_fpm)\nVALUES (\n  \
         'm.example.org', 'http://m.example.org/', '', '', 'True', 'False',\n  'eu', 'de', '680', \
         '192.0.2.0/24',\n  '100', $QUOTE${comment}$QUOTE$, $QUOTE$Us$QUOTE$,\n  'None', '13.4', \
         'False', 'at,ch', '0', '12');\n"
    );
    imported(&site, &text);
    let found = &mirrors(&site)[0];
    assert_eq!(found["comment"], comment);
    assert_eq!(found["enabled"], true);
    assert_eq!(found["alive"], false);
    assert_eq!(found["asn"], 680);
    assert_eq!(found["latitude"], Value::Null);
    assert_eq!(found["operator_name"], "Us");
}

#[test]
fn another_schema_than_public_is_found_and_two_are_refused() {
    let dump = |schema: &str| {
        format!(
            "CREATE TABLE {schema}.server (id integer, identifier text);\n\
             CREATE TABLE other.files (id integer);\n\
             COPY other.files (id) FROM stdin;\n1\n\\.\n\
             COPY {schema}.filearr (id, path, mirrors) FROM stdin;\n1\ta.iso\t{{3}}\n\\.\n\
             COPY {schema}.server (id, identifier, baseurl) FROM stdin;\n\
             3\tm.example.org\thttp://m.example.org/\n\\.\n"
        )
    };
    let site = TestSite::new();
    let summary = imported(&site, &dump("mirrors"));
    assert_eq!(summary["counts"]["mirrors"], 1);
    assert_eq!(summary["counts"]["pairs"], 1);
    assert_eq!(summary["schema"], "the upstream schema");

    let site = TestSite::new();
    let searched = "SET search_path = mirrors, pg_catalog;\n".to_owned();
    imported(&site, &(searched + &server("m", "http://m.example.org/")));
    let site = TestSite::new();
    let (code, said) = failure(&import(
        &site,
        &(dump("a") + &dump("b").replace("other", "more")),
    ));
    assert!(code == Some(1) && said.contains("pg_dump -n"), "{said}");
}

#[test]
fn names_and_urls_that_could_harm_are_refused_all_at_once() {
    let site = TestSite::new();
    let text = [
        server("good.example.org", "http://good.example.org/"),
        server("a b", "http://m/"),
        server("-rf", "http://m/"),
        server("esc\x1b[31m", "http://m/"),
        server("angle", "http://m/<script>"),
        server("quote", "http://m/\"x"),
        server("apostrophe", "http://m/o''b"),
        server("space", "http://m/a b/"),
        server("control", "http://m/\x07"),
        server("a/b", "http://m/"),
        server("..", "http://m/"),
    ];
    let (code, said) = failure(&import(&site, &text.concat()));
    assert_eq!(code, Some(1));
    for part in [
        "nothing is imported",
        "line 2: mirror 'a b'",
        "mirror '-rf'",
        r"mirror 'esc\u{1b}[31m'",
        "mirror 'angle': '<' may not stand in the URL",
        "mirror 'quote'",
        "mirror 'apostrophe'",
        "mirror 'space'",
        "mirror 'control'",
        "mirror 'a/b': ",
        "`mb edit`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        !said.contains('\x1b') && said.lines().count() == 1,
        "{said}"
    );
    assert!(mirrors(&site).is_empty());
}

#[test]
fn what_is_understood_otherwise_than_it_looks_is_noted() {
    let site = TestSite::new();
    let insert = |values: &str| {
        format!(
            "INSERT INTO server (identifier, baseurl, region, country, prefix, other_countries) \
             VALUES ({values});\n"
        )
    };
    let text = [
        insert("'one', 'http://one/', 'eu', 'de', '192.0.2.200', ''"),
        insert("'two', 'https://two/', 'eu', 'd', '', 'at,c'"),
        insert("'three', 'http://three/', 'e', '**', '192.0.2.0/24', ''"),
    ];
    let path = write(&site, &text.concat());
    let path = path.to_str().expect("text");
    let said = site.run_ok("heliostat", &["import", "mirrorbrain", path]);
    for part in [
        "mirror one: prefix '192.0.2.200' has no mask, so it is this one address",
        "mirror two: country 'd' has not two letters, so it counts as unknown",
        "mirror two: other country 'c'",
        "mirror two: its base URL is https",
        "mirror three: region 'e' is no continent",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        !said.contains("'**'") && !said.contains("192.0.2.0/24"),
        "{said}"
    );
}

/// Values of MirrorBrain's 29 columns in their order.
fn values(id: i64, name: &str) -> String {
    format!(
        "{id}, '{name}', 'http://{name}/', '', 'rsync://{name}/m/', true, true, 'eu', 'de', 64500, \
         '192.0.2.0/24', false, 70, 5, '2025-01-02 03:04:05+00', 'note', 'Us', 'http://us/', '', \
         'Ann', 'ann@example.org', 52.5, 13.4, false, false, true, false, 'at,ch', 12"
    )
}

#[test]
fn inserts_that_name_no_columns_are_read_in_the_order_of_the_schema() {
    let site = TestSite::new();
    let rows = [values(3, "a"), values(4, "b")];
    let text = format!(
        "INSERT INTO server VALUES ({});\nINSERT INTO public.server VALUES ({});\n\
         INSERT INTO filearr VALUES (1, 'x.iso', '{{3,4}}'), (2, 'y.iso', '{{4}}');\n",
        rows[0], rows[1]
    );
    let summary = imported(&site, &text);
    assert_eq!(summary["counts"]["mirrors"], 2);
    assert_eq!(summary["counts"]["pairs"], 3);
    assert_eq!(
        summary["assumed_columns"],
        serde_json::json!(["filearr", "server"])
    );
    let found = &mirrors(&site)[0];
    for (field, expected) in [
        ("id", Value::from(3)),
        ("rsync_url", "rsync://a/m/".into()),
        ("ipv6_only", false.into()),
        ("score", 70.into()),
        ("admin_email", "ann@example.org".into()),
        ("latitude", 52.5.into()),
        ("as_only", true.into()),
        ("file_maxsize", 12.into()),
    ] {
        assert_eq!(found[field], expected, "{field}");
    }
    let site = TestSite::new();
    let path = write(&site, &text);
    let path = path.to_str().expect("text");
    let said = site.run_ok("heliostat", &["import", "mirrorbrain", path]);
    let expected = "the rows of table server name no columns; they are read as MirrorBrain orders \
                    them: id, identifier, baseurl,";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn inserts_that_name_no_columns_follow_a_create_table_that_is_there() {
    let site = TestSite::new();
    let text = "CREATE TABLE public.server (id integer, baseurl text, identifier text, score \
                smallint);\nINSERT INTO server VALUES (9, 'http://m/', 'm', 7);\n";
    let summary = imported(&site, text);
    assert_eq!(summary["assumed_columns"], serde_json::json!([]));
    let found = &mirrors(&site)[0];
    assert_eq!(
        (&found["identifier"], &found["score"]),
        (&"m".into(), &7.into())
    );
}

#[test]
fn inserts_whose_values_do_not_fit_the_columns_are_refused_with_what_to_write() {
    let short = "INSERT INTO server VALUES (3, 'm', 'http://m/');\n";
    let create = "CREATE TABLE server (id integer, identifier text);\n";
    // A database that was brought up to date has ipv6_only at its end.
    let moved = values(3, "m").replace("'192.0.2.0/24', false, ", "'192.0.2.0/24', ") + ", false";
    for (text, parts) in [
        (
            short.to_owned(),
            &[
                "line 1",
                "table server",
                "has 3 fields, not 29",
                "INSERT INTO server (identifier",
            ][..],
        ),
        (
            format!("{create}{short}"),
            &[
                "line 3",
                "has 3 fields, not 2",
                "INSERT INTO server (identifier",
            ],
        ),
        (
            format!("INSERT INTO server VALUES ({moved});\n"),
            &["line 1", "ipv6_only", "INSERT INTO server (identifier"],
        ),
    ] {
        let site = TestSite::new();
        let (code, said) = failure(&import(&site, &text));
        assert_eq!(code, Some(1), "{text}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let line = if text.starts_with("CREATE") {
            "line 2"
        } else {
            "line 1"
        };
        assert!(said.contains(line), "{said}");
        for part in parts.iter().filter(|part| !part.starts_with("line")) {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(mirrors_if_any(&site).is_empty());
    }
}

fn mirrors_if_any(site: &TestSite) -> Vec<Value> {
    let list = site.run("heliostat", &["list", "-a", "--json"]);
    serde_json::from_slice(&list.stdout).unwrap_or_default()
}

#[test]
fn a_fifo_is_read_when_somebody_writes_and_is_no_reason_to_wait_for_ever() {
    let site = TestSite::new();
    let fifo = site.path("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo starts").success());
    let fifo = fifo.to_str().expect("text");
    let mut command = Command::new("timeout");
    command
        .args([
            "60",
            program_path("heliostat"),
            "import",
            "mirrorbrain",
            fifo,
        ])
        .env("HELIOSTAT_CONFIG", site.config());
    let (code, said) = failure(&command.output().expect("timeout starts"));
    assert_eq!(code, Some(1), "{said}");
    for part in [
        fifo,
        "is a FIFO that nobody writes to",
        "import mirrorbrain -",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!site.database().exists(), "nothing is made");

    let dump = write(&site, &server("m", "http://m/"))
        .display()
        .to_string();
    let program = program_path("heliostat");
    for (name, script) in [
        // The writer comes first, later, slowly, and by process substitution.
        (
            "first",
            format!("cat {dump} > {fifo} & {program} import mirrorbrain {fifo}"),
        ),
        (
            "later",
            format!("(sleep 1; cat {dump}) > {fifo} & {program} import mirrorbrain {fifo}"),
        ),
        (
            "slow",
            format!("{program} import mirrorbrain <(sleep 8; cat {dump})"),
        ),
        (
            "packed",
            format!("{program} import mirrorbrain <(gzip -c {dump} | gzip -dc)"),
        ),
        (
            "input",
            format!("cat {dump} | {program} import mirrorbrain -"),
        ),
        (
            "path of input",
            format!("cat {dump} | {program} import mirrorbrain /dev/stdin"),
        ),
    ] {
        let mut command = Command::new("bash");
        command
            .args(["-c", &format!("{script} --dry-run --json")])
            .env("HELIOSTAT_CONFIG", site.config());
        let output = command.output().expect("bash starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        let summary: Value = serde_json::from_slice(&output.stdout).expect("a summary");
        assert_eq!(summary["counts"]["mirrors"], 1, "{name}");
    }
}

#[test]
fn what_import_cannot_carry_out_is_refused_and_changes_nothing() {
    let one = server("a.example.org", "http://a.example.org/");
    for more in [
        "UPDATE server SET enabled = false;",
        "update only public.server set enabled = 'f' where id = 1;",
        "DELETE FROM server WHERE identifier = 'a.example.org';",
        "MERGE INTO server USING x ON true WHEN MATCHED THEN DELETE;",
        "TRUNCATE TABLE wiki, server;",
        "ROLLBACK;",
        "WITH x AS (SELECT 1) INSERT INTO server (identifier) VALUES ('b');",
        "DO $$ BEGIN UPDATE server SET enabled = false; END $$;",
        "INSERT INTO server (identifier, baseurl) VALUES ('b', 'http://b/') ('c', 'http://c/');",
        "INSERT INTO server (identifier, baseurl) VALUES ('b', 'http://b/') WHERE false;",
        "\\i more.sql",
        "\\copy server FROM 'more.csv' CSV",
    ] {
        let site = TestSite::new();
        let (code, error) = failure(&import(&site, &format!("{one}{more}\n")));
        assert_eq!(code, Some(1), "{more}: {error}");
        assert!(error.contains("line 2: "), "{more}: {error}");
        assert!(
            error.contains("load the file into PostgreSQL"),
            "{more}: {error}"
        );
        assert_eq!(mirrors_if_any(&site), Vec::<Value>::new(), "{more}");
    }
    let harmless = format!(
        "\\restrict x\n\\encoding UTF8\nTRUNCATE server;\nDELETE FROM server;\n\
         UPDATE pg_catalog.pg_database SET datistemplate = 't';\n\
         WITH x AS (SELECT 1) SELECT * FROM x;\n{one}\\unrestrict x\n"
    );
    let summary = imported(&TestSite::new(), &harmless);
    assert_eq!(summary["counts"]["mirrors"], 1);
}

#[test]
fn a_file_of_another_format_is_named_with_its_remedy() {
    for (begin, expected) in [
        (&b"\x04\x22\x4d\x18\x64"[..], "lz4 -dc"),
        (b"LZIP\x01\x0c", "lzip -dc"),
        (b"PK\x03\x04\x14\x00", "unzip -p"),
        (b"\x1f\x9d\x90", "gzip -dc"),
        (b"\xff\xfe-\x00-\x00", "iconv -f UTF-16"),
        (b"\xfe\xff\x00-\x00-", "iconv -f UTF-16"),
    ] {
        let site = TestSite::new();
        let path = site.path("dump");
        std::fs::write(&path, begin).expect("a file");
        let path = path.to_str().expect("text");
        let (code, error) = failure(&site.run("heliostat", &["import", "mirrorbrain", path]));
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}
