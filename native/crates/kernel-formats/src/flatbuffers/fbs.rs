//! The text of a schema (`.fbs`): what it declares, names not yet looked up.
//!
//! Grammar: flatbuffers.dev, "Grammar". Not taken, as no column comes of it: services and attributes.

use super::fbs_tokens::{Kind, SyntaxError, Token, tokens};

/// One file of a schema.
#[derive(Debug, Default)]
pub(super) struct SchemaText {
    pub(super) includes: Vec<String>,
    pub(super) declared: Vec<Declared>,
    /// The name behind `root_type`, and the namespace in which it stands.
    pub(super) root: Option<(String, String, usize)>,
    pub(super) identifier: Option<(String, usize)>,
}

/// A type, under its full name.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) attributes: Vec<Attribute>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Object {
        is_struct: bool,
        fields: Vec<DeclaredField>,
    },
    Enum {
        underlying: String,
        /// Names with their number, where one is given.
        values: Vec<(String, Option<String>)>,
    },
    Union,
}

#[derive(Debug)]
pub(super) struct DeclaredField {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) ty: DeclaredType,
    pub(super) default: Option<Default>,
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug)]
pub(super) enum DeclaredType {
    Named(String),
    Vector(Box<DeclaredType>),
    Array(Box<DeclaredType>, usize),
}

#[derive(Debug)]
pub(super) enum Default {
    Number(String),
    /// `null`, `true`, `nan`, or a value of an enum.
    Name(String),
    Text(String),
    /// `[]`
    EmptyVector,
}

/// A word in parentheses, with its value.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// The value of an attribute; `Some(None)` for one without.
pub(super) fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<Option<&'a str>> {
    let found = attributes.iter().find(|attribute| attribute.name == name)?;
    Some(found.value.as_deref())
}

/// Reads one file.
pub(super) fn parse(text: &str) -> Result<SchemaText, SyntaxError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        namespace: String::new(),
        schema: SchemaText::default(),
    };
    while parser.peek() != &Kind::End {
        parser.declaration()?;
    }
    Ok(parser.schema)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    namespace: String,
    schema: SchemaText,
}

type Parsed<T> = Result<T, SyntaxError>;

impl Parser {
    fn peek(&self) -> &Kind {
        &self.tokens[self.next].kind
    }

    fn line(&self) -> usize {
        self.tokens[self.next].line
    }

    fn take(&mut self) -> Kind {
        let kind = self.peek().clone();
        if kind != Kind::End {
            self.next += 1;
        }
        kind
    }

    fn takes(&mut self, sign: char) -> bool {
        let is_there = self.peek() == &Kind::Sign(sign);
        self.next += usize::from(is_there);
        is_there
    }

    fn unexpected<T>(&self, expected: &str) -> Parsed<T> {
        let found = self.peek().shown();
        Err((
            self.line(),
            format!("{found} stands where {expected} is expected"),
        ))
    }

    fn expect(&mut self, sign: char) -> Parsed<()> {
        if self.takes(sign) {
            return Ok(());
        }
        self.unexpected(&format!("\"{sign}\""))
    }

    fn name(&mut self, expected: &str) -> Parsed<String> {
        match self.peek() {
            Kind::Name(_) => match self.take() {
                Kind::Name(name) => Ok(name),
                _ => unreachable!("a name was there"),
            },
            _ => self.unexpected(expected),
        }
    }

    fn dotted(&mut self, expected: &str) -> Parsed<String> {
        let mut name = self.name(expected)?;
        while self.takes('.') {
            name = format!("{name}.{}", self.name("a name")?);
        }
        Ok(name)
    }

    fn text(&mut self) -> Parsed<String> {
        match self.peek() {
            Kind::Text(text) => {
                let text = text.clone();
                self.next += 1;
                Ok(text)
            }
            _ => self.unexpected("a text in quotes"),
        }
    }

    fn declaration(&mut self) -> Parsed<()> {
        let line = self.line();
        if self.peek() == &Kind::Sign('{') {
            // A sample of data, which some schemas end in.
            return self.skip_block();
        }
        let word = self.name("a declaration")?;
        match word.as_str() {
            "include" | "native_include" => {
                let file = self.text()?;
                if word == "include" {
                    self.schema.includes.push(file);
                }
                self.expect(';')
            }
            "namespace" => {
                self.namespace = match self.peek() {
                    Kind::Sign(';') => String::new(),
                    _ => self.dotted("the name of the namespace")?,
                };
                self.expect(';')
            }
            "root_type" => {
                let name = self.dotted("the name of a table")?;
                self.schema.root = Some((self.namespace.clone(), name, line));
                self.expect(';')
            }
            "file_identifier" => {
                self.schema.identifier = Some((self.text()?, line));
                self.expect(';')
            }
            "attribute" | "file_extension" => {
                self.take();
                self.expect(';')
            }
            "rpc_service" => {
                self.name("the name of the service")?;
                self.skip_block()
            }
            "table" | "struct" => self.object(word == "struct", line),
            "enum" => self.enumeration(line),
            "union" => self.union(line),
            _ => Err((line, format!("\"{word}\" begins no declaration"))),
        }
    }

    fn skip_block(&mut self) -> Parsed<()> {
        let line = self.line();
        self.expect('{')?;
        let mut depth = 1;
        while depth > 0 {
            match self.take() {
                Kind::Sign('{') => depth += 1,
                Kind::Sign('}') => depth -= 1,
                Kind::End => return Err((line, "\"{\" is never closed".to_owned())),
                _ => {}
            }
        }
        Ok(())
    }

    fn declare(&mut self, name: String, line: usize, attributes: Vec<Attribute>, what: What) {
        let namespace = self.namespace.clone();
        self.schema.declared.push(Declared {
            namespace,
            name,
            line,
            attributes,
            what,
        });
    }

    fn object(&mut self, is_struct: bool, line: usize) -> Parsed<()> {
        let name = self.name("a name")?;
        let attributes = self.attributes()?;
        self.expect('{')?;
        let mut fields = Vec::new();
        while !self.takes('}') {
            fields.push(self.field()?);
        }
        self.declare(name, line, attributes, What::Object { is_struct, fields });
        Ok(())
    }

    fn field(&mut self) -> Parsed<DeclaredField> {
        let line = self.line();
        let name = self.name("the name of a field or \"}\"")?;
        self.expect(':')?;
        let ty = self.field_type()?;
        let default = if self.takes('=') {
            Some(self.default()?)
        } else {
            None
        };
        let attributes = self.attributes()?;
        self.expect(';')?;
        Ok(DeclaredField {
            name,
            line,
            ty,
            default,
            attributes,
        })
    }

    fn field_type(&mut self) -> Parsed<DeclaredType> {
        if !self.takes('[') {
            return Ok(DeclaredType::Named(self.dotted("a type")?));
        }
        let item = Box::new(DeclaredType::Named(self.dotted("a type")?));
        let ty = if self.takes(':') {
            let line = self.line();
            let Kind::Number(digits) = self.take() else {
                return Err((line, "an array needs a length".to_owned()));
            };
            let count = digits
                .parse()
                .map_err(|_| (line, format!("{digits} is no length")))?;
            DeclaredType::Array(item, count)
        } else {
            DeclaredType::Vector(item)
        };
        self.expect(']')?;
        Ok(ty)
    }

    fn default(&mut self) -> Parsed<Default> {
        let sign = match self.peek() {
            Kind::Sign(sign @ ('-' | '+')) => {
                let sign = sign.to_string();
                self.next += 1;
                sign
            }
            _ => String::new(),
        };
        match self.peek() {
            Kind::Name(_) => Ok(Default::Name(sign + &self.dotted("a value")?)),
            Kind::Number(digits) => {
                let digits = digits.clone();
                self.next += 1;
                Ok(Default::Number(digits))
            }
            Kind::Text(_) => Ok(Default::Text(self.text()?)),
            Kind::Sign('[') => {
                self.next += 1;
                self.expect(']')?;
                Ok(Default::EmptyVector)
            }
            _ => self.unexpected("a value"),
        }
    }

    fn attributes(&mut self) -> Parsed<Vec<Attribute>> {
        let mut attributes = Vec::new();
        if !self.takes('(') {
            return Ok(attributes);
        }
        while !self.takes(')') {
            let name = match self.peek() {
                Kind::Text(_) => self.text()?,
                _ => self.name("an attribute or \")\"")?,
            };
            let value = if self.takes(':') {
                match self.take() {
                    Kind::Name(text) | Kind::Number(text) | Kind::Text(text) => Some(text),
                    _ => return self.unexpected("the value of an attribute"),
                }
            } else {
                None
            };
            attributes.push(Attribute { name, value });
            if self.peek() != &Kind::Sign(')') {
                self.expect(',')?;
            }
        }
        Ok(attributes)
    }

    fn enumeration(&mut self, line: usize) -> Parsed<()> {
        let name = self.name("a name")?;
        self.expect(':')?;
        let underlying = self.name("a type of integers")?;
        let attributes = self.attributes()?;
        self.expect('{')?;
        let mut values = Vec::new();
        while !self.takes('}') {
            let name = self.name("a name or \"}\"")?;
            let number = if self.takes('=') {
                let line = self.line();
                match self.take() {
                    Kind::Number(digits) => Some(digits),
                    other => return Err((line, format!("{} is no integer", other.shown()))),
                }
            } else {
                None
            };
            self.attributes()?;
            values.push((name, number));
            if self.peek() != &Kind::Sign('}') {
                self.expect(',')?;
            }
        }
        self.declare(name, line, attributes, What::Enum { underlying, values });
        Ok(())
    }

    fn union(&mut self, line: usize) -> Parsed<()> {
        let name = self.name("a name")?;
        if self.takes(':') {
            self.name("a type of integers")?;
        }
        let attributes = self.attributes()?;
        self.skip_block()?;
        self.declare(name, line, attributes, What::Union);
        Ok(())
    }
}
