//! Writing names and values into SQL text.

/// `name` as a quoted SQL identifier: any character may stand in it.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `value` as a SQL text literal. DuckDB reads no escape sequences in it.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(identifier("a\"b c"), "\"a\"\"b c\"");
        assert_eq!(text("it's \\n"), "'it''s \\n'");
    }
}
