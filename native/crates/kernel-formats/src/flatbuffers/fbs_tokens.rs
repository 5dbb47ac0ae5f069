//! The words of a schema's text.

/// A word and the line on which it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Name(String),
    /// As it is written, sign included.
    Number(String),
    Text(String),
    Sign(char),
    End,
}

impl Kind {
    /// The word as a message quotes it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Name(text) | Self::Number(text) => format!("\"{text}\""),
            Self::Text(text) => format!("the text {text:?}"),
            Self::Sign(sign) => format!("\"{sign}\""),
            Self::End => "the end".to_owned(),
        }
    }
}

/// What is wrong with a text, and on which line.
pub(super) type SyntaxError = (usize, String);

/// Cuts a text into words, an [`Kind::End`] behind them; comments are left out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut line = 1;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\n' => {
                line += 1;
                1
            }
            _ if first.is_whitespace() => first.len_utf8(),
            '/' => comment(rest, line)?,
            _ => {
                let (kind, length) = token(rest, first).map_err(|reason| (line, reason))?;
                found.push(Token { kind, line });
                length
            }
        };
        if length > 1 {
            line += rest[..length].matches('\n').count();
        }
        rest = &rest[length..];
    }
    found.push(Token {
        kind: Kind::End,
        line,
    });
    Ok(found)
}

fn comment(rest: &str, line: usize) -> Result<usize, SyntaxError> {
    if rest.starts_with("//") {
        return Ok(rest.find('\n').unwrap_or(rest.len()));
    }
    match rest.strip_prefix("/*").map(|inner| inner.find("*/")) {
        Some(Some(end)) => Ok(end + 4),
        Some(None) => Err((line, "the comment is never closed".to_owned())),
        None => Err((line, "\"/\" begins no comment".to_owned())),
    }
}

fn token(rest: &str, first: char) -> Result<(Kind, usize), String> {
    let while_in = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    if first.is_ascii_alphabetic() || first == '_' {
        let length = while_in(|c| c.is_ascii_alphanumeric() || c == '_');
        return Ok((Kind::Name(rest[..length].to_owned()), length));
    }
    let second_is_digit = || rest[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if first.is_ascii_digit() || ("+-.".contains(first) && second_is_digit()) {
        let length = number_length(rest);
        return Ok((Kind::Number(rest[..length].to_owned()), length));
    }
    match first {
        '"' | '\'' => quoted(rest, first),
        '{' | '}' | '(' | ')' | '[' | ']' | ':' | ';' | ',' | '=' | '.' | '-' | '+' => {
            Ok((Kind::Sign(first), 1))
        }
        _ => Err(format!("{first:?} does not belong into a schema")),
    }
}

/// A sign belongs to a number at its beginning and behind an exponent.
fn number_length(rest: &str) -> usize {
    let is_hexadecimal = rest.trim_start_matches(['+', '-']).starts_with(['0'])
        && rest.trim_start_matches(['+', '-'])[1..].starts_with(['x', 'X']);
    let mut before = '-';
    for (place, c) in rest.char_indices() {
        let is_sign = "+-".contains(c)
            && (place == 0 || (!is_hexadecimal && "eE".contains(before)) || "pP".contains(before));
        if !(c.is_ascii_alphanumeric() || c == '.' || is_sign) {
            return place;
        }
        before = c;
    }
    rest.len()
}

fn quoted(rest: &str, quote: char) -> Result<(Kind, usize), String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, c)) = characters.next() {
        match c {
            _ if c == quote => return Ok((Kind::Text(text), place + 1)),
            '\n' => break,
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, escaped @ ('"' | '\'' | '\\' | '/'))) => text.push(escaped),
                _ => return Err("a text has an escape that is not known".to_owned()),
            },
            _ => text.push(c),
        }
    }
    Err("a text is never closed".to_owned())
}
