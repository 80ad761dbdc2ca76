//! Tests of the parser and its parts.

use super::error::DumpError;
use super::parser::Parser;
use super::row::{Row, Table};
use super::sink::RowSink;
use proptest::prelude::*;

/// Writes every row down.
#[derive(Default)]
struct Notes {
    rows: Vec<String>,
    unwanted: &'static str,
}

impl RowSink for Notes {
    type Error = DumpError;

    fn table(&mut self, table: &Table) -> Result<bool, DumpError> {
        Ok(table.name != self.unwanted)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), DumpError> {
        let fields = row
            .table
            .columns
            .iter()
            .map(|column| match row.bytes(column) {
                Some(bytes) => format!("{column}={}", bytes.escape_ascii()),
                None => format!("{column}:"),
            });
        let fields: Vec<String> = fields.collect();
        self.rows
            .push(format!("{} {}", row.table(), fields.join(" ")));
        Ok(())
    }
}

fn read(dump: &[u8]) -> (Result<(), DumpError>, Notes, Parser) {
    let mut notes = Notes {
        unwanted: "pfx2asn",
        ..Notes::default()
    };
    let mut parser = Parser::default();
    for line in dump.split_inclusive(|&byte| byte == b'\n') {
        let result = match line.strip_suffix(b"\n") {
            Some(line) => parser.line(line, &mut notes),
            None => parser.last_line(line, &mut notes),
        };
        if let Err(error) = result {
            return (Err(error), notes, parser);
        }
    }
    (parser.finish(), notes, parser)
}

const HEADER: &str = "--\n-- PostgreSQL database dump\n--\n";

const END: &str = "\n--\n-- PostgreSQL database dump complete\n--\n";

fn check_rows(dumps: &[(&str, &str)]) {
    for (dump, expected) in dumps {
        let (end, notes, _) = read(format!("{dump}{END}").as_bytes());
        let rows = notes.rows.join("|");
        assert_eq!((end, rows.as_str()), (Ok(()), *expected), "{dump}");
    }
}

#[test]
fn rows_come_out_of_copy() {
    check_rows(&[
        (
            "COPY public.t (id, b) FROM stdin;\n1\t\\N\n2\tx\n\\.\n",
            "t id=1 b:|t id=2 b=x",
        ),
        (
            "COPY t (b, id) FROM stdin;\n\\\\.\t1\n\\.\n",
            "t b=\\\\. id=1",
        ),
        ("COPY \"T\" (\"Id\") FROM stdin;\n\n\\.\n", "T Id="),
        (
            "COPY t (id) WITH OIDS FROM stdin;\n17\t1\n\\.\n",
            "t oid=17 id=1",
        ),
        (
            "SET search_path = x, pg_catalog;\nCOPY t (id) FROM stdin;\n1\n\\.\n",
            "x.t id=1",
        ),
        (
            "SET search_path = public, x;\nCOPY t (id) FROM stdin;\n1\n\\.\n",
            "t id=1",
        ),
        (
            "SELECT pg_catalog.set_config('search_path', '', false);\n\
             COPY public.t (id) FROM stdin;\r\n1\r\n\\.\r\n",
            "t id=1",
        ),
        (
            "COPY pfx2asn (pfx, asn) FROM stdin;\nnot looked at\n\\.\n",
            "",
        ),
    ]);
}

#[test]
fn rows_come_out_of_insert() {
    check_rows(&[
        (
            "INSERT INTO public.t (id, b) VALUES (1, 'it''s');\n",
            "t id=1 b=it\\'s",
        ),
        (
            "INSERT INTO t (id, b) OVERRIDING SYSTEM VALUE VALUES (-1, DEFAULT),\n\t\
             (2.5, NULL);\n",
            "t id=-1 b:|t id=2.5 b:",
        ),
        (
            "INSERT INTO t (a,b,c) VALUES (true,false,'\\x00'::bytea);\n",
            "t a=t b=f c=\\\\x00",
        ),
        (
            "INSERT INTO t (a) VALUES ('two\n\\.\n-- lines;');\n",
            "t a=two\\n\\\\.\\n-- lines;",
        ),
        (
            "SET standard_conforming_strings = off;\nINSERT INTO t (a) VALUES ('\\\\x');\n",
            "t a=\\\\x",
        ),
        ("INSERT INTO t (a) VALUES (E'\\\\x\\'');\n", "t a=\\\\x\\'"),
        (
            "\\restrict abc\nINSERT INTO t (a) VALUES (1);\n\\unrestrict abc\n",
            "t a=1",
        ),
        (
            "CREATE FUNCTION f() AS $_$\nINSERT INTO t (a) VALUES (1);\n$_$;\n",
            "",
        ),
    ]);
}

#[test]
fn what_people_write_needs_no_closing_line() {
    for (text, expected) in [
        (
            "INSERT INTO t (a, b) VALUES (ARRAY[1, 2]::smallint[], now())",
            "t a={1,2} b:",
        ),
        (
            "INSERT INTO t (a, b) VALUES ($q$it's $5;$q$, $$x$$::character varying(64))",
            "t a=it\\'s $5; b=x",
        ),
        (
            "\u{feff}INSERT INTO t (a, b) VALUES (nextval('s'::regclass), CURRENT_TIMESTAMP)",
            "t a: b:",
        ),
        (
            "INSERT INTO t (a, b) VALUES (CAST('x' AS character varying(64)), \
             CAST(CAST(-5 AS pg_catalog.int4) AS text))",
            "t a=x b=-5",
        ),
        (
            "INSERT INTO t (a, b) VALUES (CAST('1'::text AS int)::int, cast(NULL as int[]))",
            "t a=1 b:",
        ),
        ("BEGIN; COPY t (a) FROM stdin;\n1\n\\.\nCOMMIT", "t a=1"),
    ] {
        let (end, notes, _) = read(format!("{text};\n").as_bytes());
        assert_eq!(
            (end, notes.rows.join("|").as_str()),
            (Ok(()), expected),
            "{text}"
        );
    }
}

#[test]
fn columns_that_are_not_named_are_those_of_the_table() {
    let create = "CREATE TABLE public.t (\n    id integer NOT NULL,\n    \"odd,n\" \
                  numeric(6,3) DEFAULT '(,',\n    CONSTRAINT c CHECK ((id > 0)),\n \
                  b character varying(3)\n);\n";
    for data in [
        "COPY public.t FROM stdin;\n1\tx\\ty\t\\N\n\\.\n",
        "INSERT INTO public.t VALUES (1, 'x\ty', NULL);\n",
    ] {
        let (end, notes, parser) = read(format!("{create}{data}{END}").as_bytes());
        let row = "t id=1 odd,n=x\\ty b:".to_owned();
        assert_eq!((end, notes.rows), (Ok(()), vec![row]), "{data}");
        assert_eq!(parser.tables()["t"].rows, 1);
    }
}

#[test]
fn what_is_wrong_is_told_in_one_line() {
    let copy = "COPY t (a, b) FROM stdin;\n";
    for (dump, expected) in [
        ("".to_owned(), "the dump is empty"),
        ("-- nothing\n\n".to_owned(), "pg_dump DATABASE > FILE"),
        (
            HEADER.to_owned(),
            "closing line 'PostgreSQL database dump complete'",
        ),
        (
            copy.to_owned(),
            "after line 1 it ends in the middle of the rows of table t",
        ),
        (
            format!("{copy}1\t2\n3\n"),
            "table t: the row has 1 fields, not 2",
        ),
        (
            format!("{copy}1\t2\n3"),
            "in the middle of the rows of table t",
        ),
        (
            format!("{copy}1\t2\n\\.\nINSERT INTO t (a) VALUES ('"),
            "middle of a statement",
        ),
        (format!("{HEADER}{copy}1\t2\n\\.\n"), "closing line"),
        (
            format!("{copy}\\.\n{copy}\\.\n{END}"),
            "table t comes a second time",
        ),
        (format!("{HEADER}{END}{copy}\\.\n"), "closing line"),
        (
            format!("{copy}1\t2\\\n"),
            "line 2: the row ends in the middle of an escape",
        ),
        (
            format!("COPY t FROM stdin;\n{END}"),
            "columns of table t are not named",
        ),
        (
            format!("COPY t (a) FROM '/etc/x';\n{END}"),
            "not as pg_dump writes it",
        ),
        (
            format!("COPY t (a) FROM stdin WITH (FORMAT csv);\n{END}"),
            "such as CSV); make a plain dump",
        ),
        (
            format!("INSERT INTO t (a) SELECT 1;\n{END}"),
            "has no VALUES",
        ),
        (
            format!("INSERT INTO t (a) VALUES (random());\n{END}"),
            "table t, column a: the value is no number",
        ),
        (
            format!("INSERT INTO t (a) VALUES (1, 2);\n{END}"),
            "the row has 2 fields, not 1",
        ),
        (
            format!("CREATE TABLE t (a int);\nCREATE TABLE t (a int);\n{END}"),
            "second time",
        ),
    ] {
        let (end, _, _) = read(dump.as_bytes());
        let error = end.expect_err(&dump).to_string();
        assert!(error.contains(expected), "{dump}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn values_that_are_to_be_computed_are_refused_by_their_column() {
    for values in [
        "'', 50+50",
        "'', -CAST(5 AS int)",
        "'', CAST(5, int)",
        &format!("'', {}5", "CAST(".repeat(500_000)),
    ] {
        let dump = format!("INSERT INTO t (b, a) VALUES ({values});\n");
        let (end, _, _) = read(dump.as_bytes());
        let error = end.expect_err("refused").to_string();
        let expected = "line 1: table t, column a: the value is no number";
        assert!(error.starts_with(expected), "{error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(lines in prop::collection::vec(prop_oneof![
        Just(b"COPY t (a, b) FROM stdin;".to_vec()),
        Just(b"INSERT INTO t (a) VALUES (".to_vec()),
        Just(b"CREATE TABLE t (".to_vec()),
        Just(b"\\.".to_vec()),
        Just(b"'); --".to_vec()),
        Just(b"-- PostgreSQL database dump complete".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ], 0..12)) {
        let _ = read(&lines.join(&b'\n'));
    }

    #[test]
    fn a_cut_dump_is_never_taken_for_whole(cut in 0_usize..1000) {
        let dump = "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.t (\n    \
            a integer\n);\nCOPY public.t (a) FROM stdin;\n1\n2\n\\.\n\nINSERT INTO \
            public.u (a) VALUES ('x\n;');\n--\n-- PostgreSQL database dump complete\n";
        // The last line feed alone may be missing.
        let cut = cut % (dump.len() - 1);
        prop_assert!(read(&dump.as_bytes()[..cut]).0.is_err());
    }
}
