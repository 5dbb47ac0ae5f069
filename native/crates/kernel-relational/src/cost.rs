//! Bounds of what DuckDB computes before it sees a row: it evaluates what is constant while it plans, in one piece that nothing stops.
//!
//! The bound of a constant follows from those of its parts; the functions whose values are larger than their arguments are known here.
//! Counts that functions take are computed, once what they are computed from is known to be cheap.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::decompose::text_of;
use crate::error::ExpressionIssue;
use crate::syntax::{PREFIX, names_of};

/// Bytes that the value of a constant may have, with those it is made of.
const BYTES_MAX: f64 = 24e6;
/// Steps that computing a constant may take: one for each byte that it reads or writes. About 0.1 s.
const WORK_MAX: f64 = 100e6;
/// Expressions that a query may have once its names are replaced by what they stand for.
const NODES_MAX: f64 = 100e3;
/// Columns that a part of a query may have.
const COLUMNS_MAX: f64 = 100e3;
/// Characters of a constant pattern or path, which is compiled when a query is prepared: about 0.1 s.
const PATTERN_CHARACTERS_MAX: f64 = 10e3;
/// Bytes of a number, a time or an entry of a list.
const VALUE_BYTES: f64 = 16.0;
/// Columns that a table is taken to have.
const TABLE_COLUMNS: f64 = 100.0;
/// Rows that DuckDB computes at once, also of a constant that meets rows.
const VECTOR_ROWS: f64 = 2048.0;

/// Refuses an expression, parsed as [`crate::syntax::root`] does, of which planning would compute too much.
pub(crate) fn require_cheap(
    connection: &Arc<Connection>,
    root: &Value,
) -> Result<(), ExpressionIssue> {
    let mut walk = Walk::new(connection, PREFIX.len());
    walk.bound(root).map(drop)
}

/// As [`require_cheap`], for the parse tree of a query.
pub(crate) fn require_cheap_query(
    connection: &Arc<Connection>,
    tree: &Value,
) -> Result<(), ExpressionIssue> {
    let mut walk = Walk::new(connection, 0);
    walk.query(tree).map(drop)
}

/// At most how large a value is.
#[derive(Debug, Clone, Copy)]
struct Bound {
    is_constant: bool,
    bytes: f64,
    /// Of a list: its entries.
    count: f64,
    /// Of a list: the bytes of an entry.
    entry: f64,
    /// Of a list of numbers, where it is known: the largest.
    largest: Option<f64>,
    /// Of what it was made.
    work: f64,
    nodes: f64,
}

impl Bound {
    fn constant(bytes: f64) -> Self {
        Self {
            is_constant: true,
            bytes,
            count: bytes,
            entry: bytes,
            largest: None,
            work: bytes,
            nodes: 1.0,
        }
    }

    fn row() -> Self {
        Self {
            is_constant: false,
            ..Self::constant(0.0)
        }
    }

    fn list(count: f64, entry: f64) -> Self {
        Self {
            count,
            entry,
            ..Self::constant(count * entry)
        }
    }
}

/// Expressions and columns of a part of a query.
#[derive(Debug, Clone, Copy)]
struct Extent {
    nodes: f64,
    columns: f64,
}

struct Walk<'a> {
    connection: &'a Arc<Connection>,
    /// Bytes before the text in which places count.
    head: usize,
    /// What names stand for: parameters of lambdas, and columns that the same SELECT has named before.
    names: Vec<(String, Bound)>,
    /// What WITH has defined.
    shared: HashMap<String, Extent>,
}

type Outcome<T> = Result<T, ExpressionIssue>;

impl<'a> Walk<'a> {
    fn new(connection: &'a Arc<Connection>, head: usize) -> Self {
        Self {
            connection,
            head,
            names: Vec::new(),
            shared: HashMap::new(),
        }
    }

    fn too_costly(&self, node: &Value) -> ExpressionIssue {
        let place = node["query_location"].as_u64();
        let place = place.and_then(|place| usize::try_from(place).ok());
        ExpressionIssue {
            message: "this is computed before there are rows, and takes too much time or memory; make it smaller"
                .to_string(),
            position: place
                .filter(|place| *place != usize::MAX)
                .and_then(|place| place.checked_sub(self.head)),
            is_too_costly: true,
            ..ExpressionIssue::default()
        }
    }

    /// The bound, if it can be afforded.
    fn afford(&self, node: &Value, bound: Bound) -> Outcome<Bound> {
        let is_cheap = !bound.is_constant || (bound.bytes <= BYTES_MAX && bound.work <= WORK_MAX);
        // Also what is not a number is too much.
        if is_cheap && bound.nodes <= NODES_MAX {
            Ok(bound)
        } else {
            Err(self.too_costly(node))
        }
    }

    fn bound(&mut self, node: &Value) -> Outcome<Bound> {
        let bound = match node["class"].as_str().unwrap_or_default() {
            "CONSTANT" => Bound::constant(literal_bytes(node)),
            "COLUMN_REF" => self.named(node),
            "FUNCTION" => self.call(node)?,
            "SUBQUERY" => {
                let extent = self.query(node)?;
                Bound {
                    nodes: extent.nodes,
                    ..Bound::row()
                }
            }
            "CAST" => self.cast(node)?,
            // Outside of a function that takes lambdas it is a path into JSON.
            "LAMBDA" => {
                let path = self.bound(&node["expr"])?;
                self.require_short(&node["expr"], path)?;
                Bound {
                    is_constant: false,
                    ..self.sum(node)?
                }
            }
            "OPERATOR" if node["type"] == "ARRAY_CONSTRUCTOR" => self.built(node)?,
            "OPERATOR" | "COMPARISON" | "CONJUNCTION" | "BETWEEN" | "CASE" | "COLLATE" => {
                self.sum(node)?
            }
            _ => Bound {
                is_constant: false,
                ..self.sum(node)?
            },
        };
        self.afford(node, bound)
    }

    fn named(&self, node: &Value) -> Bound {
        let names = names_of(node);
        let [name] = names.as_slice() else {
            return Bound::row();
        };
        let mut known = self.names.iter().rev();
        let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(Bound::row(), |(_, bound)| *bound)
    }

    /// Of all expressions among the fields of a node.
    fn parts(&mut self, node: &Value, found: &mut Vec<Bound>) -> Outcome<()> {
        let mut visit = |part: &Value| -> Outcome<()> {
            if part["class"].is_string() {
                found.push(self.bound(part)?);
                return Ok(());
            }
            if part["node"].is_object() {
                let extent = self.query(part)?;
                found.push(Bound {
                    nodes: extent.nodes,
                    ..Bound::row()
                });
                return Ok(());
            }
            self.parts(part, found)
        };
        match node {
            Value::Array(items) => items.iter().try_for_each(&mut visit),
            Value::Object(fields) => fields.values().try_for_each(&mut visit),
            _ => Ok(()),
        }
    }

    fn all_parts(&mut self, node: &Value) -> Outcome<Vec<Bound>> {
        let mut found = Vec::new();
        self.parts(node, &mut found)?;
        Ok(found)
    }

    fn sum(&mut self, node: &Value) -> Outcome<Bound> {
        Ok(added(&self.all_parts(node)?))
    }

    fn built(&mut self, node: &Value) -> Outcome<Bound> {
        let parts = self.all_parts(node)?;
        let entry = parts
            .iter()
            .map(|part| part.bytes)
            .fold(VALUE_BYTES, f64::max);
        let sum = added(&parts);
        Ok(Bound {
            count: parts.len() as f64,
            entry,
            ..sum
        })
    }

    fn cast(&mut self, node: &Value) -> Outcome<Bound> {
        let child = self.bound(&node["child"])?;
        let size = array_size(&node["cast_type"]);
        let bytes = if size > 1.0 {
            child.bytes + size * VALUE_BYTES * VECTOR_ROWS / 8.0
        } else {
            // As text a number has up to 40 digits.
            3.0 * child.bytes + VALUE_BYTES
        };
        Ok(Bound {
            bytes,
            work: child.work + bytes,
            nodes: child.nodes + 1.0,
            ..child
        })
    }

    fn call(&mut self, node: &Value) -> Outcome<Bound> {
        let name = node["function_name"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        let arguments: Vec<&Value> = node["children"].as_array().into_iter().flatten().collect();
        if arguments
            .iter()
            .any(|argument| argument["class"] == "LAMBDA")
        {
            return self.call_with_lambda(&name, &arguments);
        }
        let bounds = self.all_parts(node)?;
        if takes_pattern(&name)
            && let (Some(pattern), Some(bound)) = (arguments.get(1), bounds.get(1))
        {
            self.require_short(pattern, *bound)?;
        }
        let sum = added(&bounds);
        if !sum.is_constant {
            return Ok(sum);
        }
        let made = self.made(&name, &arguments, &bounds, sum)?;
        Ok(Bound {
            work: sum.work + made.work,
            nodes: sum.nodes + 1.0,
            ..made
        })
    }

    /// Refuses a constant pattern that takes long to compile.
    fn require_short(&self, pattern: &Value, bound: Bound) -> Outcome<()> {
        if !bound.is_constant || bound.bytes <= PATTERN_CHARACTERS_MAX {
            return Ok(());
        }
        let text = self.text(pattern);
        let characters = text.and_then(|text| {
            self.computed(&format!(
                "CAST(length(CAST(({text}) AS VARCHAR)) AS DOUBLE)"
            ))
        });
        if characters.is_none_or(|characters| characters > PATTERN_CHARACTERS_MAX) {
            return Err(self.too_costly(pattern));
        }
        Ok(())
    }

    /// What a function of constants makes.
    // Long because each function that can make much of little has its arm.
    fn made(
        &self,
        name: &str,
        arguments: &[&Value],
        bounds: &[Bound],
        sum: Bound,
    ) -> Outcome<Bound> {
        let number = |index: usize| match arguments.get(index) {
            Some(argument) => self.number(argument, bounds.get(index)),
            None => 0.0,
        };
        let bytes = |index: usize| bounds.get(index).map_or(0.0, |bound| bound.bytes);
        Ok(match name {
            "range" | "generate_series" => {
                let count = self.range_count(arguments, bounds);
                Bound {
                    largest: Some(number(0).max(number(1))),
                    ..Bound::list(count, VALUE_BYTES)
                }
            }
            "repeat" => Bound::list(number(1), bytes(0).max(1.0)),
            "lpad" | "rpad" => Bound::constant(4.0 * number(1) + bytes(0)),
            "list_resize" | "array_resize" => {
                Bound::list(number(1), bytes(2).max(VALUE_BYTES) + sum.entry)
            }
            "bar" => Bound::constant(4.0 * number(3) + 400.0),
            "bitstring" | "equi_width_bins" => Bound::constant(
                VALUE_BYTES * (0..arguments.len()).map(number).fold(0.0, f64::max) + sum.bytes,
            ),
            "to_base" => Bound::constant(number(2) + 100.0),
            "set_bit" | "<<" => Bound::constant(sum.bytes + VALUE_BYTES),
            "printf" | "format" => Bound::constant(sum.bytes + self.width(arguments[0])),
            "replace" | "regexp_replace" | "translate" => {
                Bound::constant((bytes(0) + 1.0) * (bytes(2) + 1.0))
            }
            "levenshtein"
            | "editdist3"
            | "damerau_levenshtein"
            | "jaro_similarity"
            | "jaro_winkler_similarity" => Bound {
                work: (bytes(0) + 1.0) * (bytes(1) + 1.0),
                ..Bound::constant(VALUE_BYTES)
            },
            "length" | "len" | "strlen" | "list_sum" | "list_count" | "list_avg" | "list_min"
            | "list_max" | "list_contains" | "contains" | "list_has" | "md5" | "sha1"
            | "sha256" | "hash" | "array_length" | "cardinality" | "list_position" => {
                Bound::constant(4.0 * VALUE_BYTES)
            }
            "list_value" | "list_pack" => Bound {
                count: bounds.len() as f64,
                entry: bounds
                    .iter()
                    .map(|bound| bound.bytes)
                    .fold(VALUE_BYTES, f64::max),
                ..Bound::constant(sum.bytes + VALUE_BYTES * bounds.len() as f64)
            },
            "list_sort" | "list_reverse" | "list_reverse_sort" | "list_distinct" | "list_slice"
            | "array_slice" | "list_filter" | "flatten" => Bound {
                work: 20.0 * sum.bytes,
                ..bounds.first().copied().unwrap_or(sum)
            },
            "string_split"
            | "str_split"
            | "string_split_regex"
            | "str_split_regex"
            | "split"
            | "string_to_array"
            | "regexp_split_to_array"
            | "regexp_extract_all"
            | "regexp_split_to_table" => Bound::list(bytes(0) + 1.0, 2.0 * VALUE_BYTES),
            "strftime" | "hex" | "to_hex" | "bin" | "to_binary" | "url_encode" | "to_json"
            | "json" | "json_quote" | "json_pretty" | "regexp_escape" | "array_to_string"
            | "json_array" | "json_object" | "list_zip" | "array_zip" | "list_histogram" => {
                Bound::constant(32.0 * (sum.bytes + VALUE_BYTES))
            }
            _ => Bound {
                count: bounds.iter().map(|bound| bound.count).sum(),
                entry: bounds.iter().map(|bound| bound.entry).fold(0.0, f64::max),
                ..Bound::constant(sum.bytes + 4.0 * VALUE_BYTES)
            },
        })
    }

    // Long because each function that takes a lambda has its arm.
    fn call_with_lambda(&mut self, name: &str, arguments: &[&Value]) -> Outcome<Bound> {
        let list = self.bound(arguments[0])?;
        let depth = self.names.len();
        let is_reducing = name.contains("reduce");
        let entry = Bound {
            is_constant: list.is_constant,
            bytes: list.entry,
            count: list.entry,
            entry: list.entry,
            largest: self.largest(arguments[0], list),
            work: 0.0,
            nodes: 1.0,
        };
        let lambda = arguments
            .iter()
            .find(|argument| argument["class"] == "LAMBDA");
        let lambda = lambda.copied().unwrap_or(&Value::Null);
        let parameters = parameters_of(&lambda["lhs"]);
        let mut others = Vec::new();
        for argument in &arguments[1..] {
            if argument["class"] != "LAMBDA" {
                others.push(self.bound(argument)?);
            }
        }
        let mut reduced = others.first().copied().unwrap_or(entry);
        reduced.largest = None;
        let rounds = if is_reducing {
            list.count.min(64.0) as usize
        } else {
            1
        };
        let mut body = entry;
        let mut before = entry;
        for round in 0..rounds.max(1) {
            let first = if is_reducing { reduced } else { entry };
            let values = [
                first,
                Bound {
                    largest: None,
                    ..entry
                },
                Bound::constant(VALUE_BYTES),
            ];
            let bound = |(index, name): (usize, &String)| {
                let bound = if !is_reducing && index > 0 {
                    values[2]
                } else {
                    values[index.min(2)]
                };
                (name.clone(), bound)
            };
            self.names.extend(parameters.iter().enumerate().map(bound));
            let outcome = self.bound(&lambda["expr"]);
            self.names.truncate(depth);
            (before, body) = (body, outcome?);
            reduced = Bound { nodes: 1.0, ..body };
            let _ = round;
        }
        let nodes = list.nodes + body.nodes;
        if !(list.is_constant && body.is_constant && others.iter().all(|other| other.is_constant)) {
            return Ok(Bound {
                nodes,
                ..Bound::row()
            });
        }
        let work = list.work + list.count * (body.work + body.bytes + VALUE_BYTES);
        if is_reducing {
            let growth =
                (body.bytes - before.bytes).max(0.0) * (list.count - rounds as f64).max(0.0);
            let bytes = body.bytes + growth;
            return Ok(Bound {
                work: list.work + list.count * (body.work.min(bytes) + bytes),
                nodes,
                ..Bound::constant(bytes)
            });
        }
        let entry = if name.contains("filter") {
            list.entry
        } else {
            body.bytes.max(VALUE_BYTES)
        };
        Ok(Bound {
            work,
            nodes,
            ..Bound::list(list.count, entry)
        })
    }

    /// The largest number of a list, where it is known or soon computed.
    fn largest(&self, node: &Value, list: Bound) -> Option<f64> {
        if list.largest.is_some() || !list.is_constant || !self.names.is_empty() {
            return list.largest;
        }
        let text = self.text(node)?;
        self.computed(&format!("CAST(list_max({text}) AS DOUBLE)"))
    }

    /// The value of a constant number; infinite where it is not known, nothing where it is none.
    fn number(&self, node: &Value, bound: Option<&Bound>) -> f64 {
        if node["class"] == "CONSTANT"
            && let Some(number) = node["value"]["value"].as_f64()
            && node["value"]["type"]["id"] != "DECIMAL"
        {
            return number.max(0.0);
        }
        if self.mentions_parameter(node) {
            let largest = bound.and_then(|bound| bound.largest);
            return largest.unwrap_or(f64::INFINITY).max(0.0);
        }
        let text = self.text(node);
        let number = text.and_then(|text| self.computed(&format!("TRY_CAST(({text}) AS DOUBLE)")));
        number.unwrap_or(0.0).max(0.0)
    }

    fn mentions_parameter(&self, node: &Value) -> bool {
        match node {
            Value::Array(items) => items.iter().any(|item| self.mentions_parameter(item)),
            Value::Object(fields) => {
                node["class"] == "COLUMN_REF"
                    || fields.values().any(|field| self.mentions_parameter(field))
            }
            _ => false,
        }
    }

    /// How many entries a range has.
    fn range_count(&self, arguments: &[&Value], bounds: &[Bound]) -> f64 {
        if arguments
            .iter()
            .any(|argument| self.mentions_parameter(argument))
        {
            let largest = bounds
                .iter()
                .filter_map(|bound| bound.largest)
                .fold(0.0, f64::max);
            let is_known = arguments.iter().zip(bounds).all(|(argument, bound)| {
                !self.mentions_parameter(argument) || bound.largest.is_some()
            });
            let others = arguments
                .iter()
                .filter(|argument| !self.mentions_parameter(argument));
            let others = others
                .map(|argument| self.number(argument, None))
                .fold(0.0, f64::max);
            return if is_known {
                largest.max(others) + 1.0
            } else {
                f64::INFINITY
            };
        }
        let texts: Option<Vec<String>> = arguments
            .iter()
            .map(|argument| self.text(argument))
            .collect();
        let Some(texts) = texts else {
            return f64::INFINITY;
        };
        let count = match texts.as_slice() {
            [end] => self.computed(&format!("TRY_CAST(({end}) AS DOUBLE)")),
            [start, end] => self.computed(&format!(
                "TRY_CAST(({end}) AS DOUBLE) - TRY_CAST(({start}) AS DOUBLE)"
            )),
            [start, end, step] => self
                .computed(&format!(
                    "(TRY_CAST(({end}) AS DOUBLE) - TRY_CAST(({start}) AS DOUBLE)) / abs(TRY_CAST(({step}) AS DOUBLE))"
                ))
                .or_else(|| {
                    self.computed(&format!(
                        "(epoch(CAST(({end}) AS TIMESTAMP)) - epoch(CAST(({start}) AS TIMESTAMP))) / abs(epoch(CAST(({step}) AS INTERVAL)))"
                    ))
                }),
            _ => None,
        };
        count.map_or(0.0, |count| count.abs() + 1.0)
    }

    /// The largest width that a pattern for text asks for.
    fn width(&self, pattern: &Value) -> f64 {
        if self.mentions_parameter(pattern) {
            return f64::INFINITY;
        }
        let text = self
            .text(pattern)
            .and_then(|text| self.rows(&format!("CAST(({text}) AS VARCHAR)")));
        let Some(text) = text.filter(|text| text.column(0).is_valid(0)) else {
            return 0.0;
        };
        let text = text.column(0).as_string::<i32>().value(0).to_string();
        // A width may be an argument of its own.
        if text.contains('*') || text.contains(":{") {
            return f64::INFINITY;
        }
        let numbers = text.split(|digit: char| !digit.is_ascii_digit());
        numbers
            .filter_map(|number| number.parse::<f64>().ok())
            .sum::<f64>()
            + 400.0
    }

    fn text(&self, node: &Value) -> Option<String> {
        text_of(self.connection, node).ok()
    }

    fn computed(&self, expression: &str) -> Option<f64> {
        let rows = self.rows(expression)?;
        let values = rows.column(0).as_primitive_opt::<Float64Type>()?;
        values.is_valid(0).then(|| values.value(0))
    }

    fn rows(&self, expression: &str) -> Option<arrow_array::RecordBatch> {
        let (_, batches) = self
            .connection
            .query(&format!("SELECT {expression}"))
            .ok()?;
        batches
            .into_iter()
            .next()
            .filter(|batch| batch.num_rows() == 1)
    }

    /// Of a query, or a part of one.
    fn query(&mut self, node: &Value) -> Outcome<Extent> {
        let names = std::mem::take(&mut self.names);
        let shared = self.shared.clone();
        let outcome = self.query_inside(node);
        self.names = names;
        self.shared = shared;
        let extent = outcome?;
        if extent.nodes > NODES_MAX || extent.columns > COLUMNS_MAX {
            return Err(self.too_costly(node));
        }
        Ok(extent)
    }

    fn query_inside(&mut self, node: &Value) -> Outcome<Extent> {
        for entry in node["cte_map"]["map"].as_array().into_iter().flatten() {
            let extent = self.query(&entry["value"]["query"])?;
            let name = entry["key"].as_str().unwrap_or_default().to_lowercase();
            self.shared.insert(name, extent);
        }
        match node["type"].as_str() {
            Some("SELECT_NODE") => self.select(node),
            Some("BASE_TABLE") => {
                let name = node["table_name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_lowercase();
                let table = Extent {
                    nodes: 1.0,
                    columns: TABLE_COLUMNS,
                };
                Ok(self.shared.get(&name).copied().unwrap_or(table))
            }
            Some("TABLE_FUNCTION") => {
                let parts = self.all_parts(&node["function"]["children"])?;
                Ok(Extent {
                    nodes: added(&parts).nodes,
                    columns: 1.0,
                })
            }
            _ => self.others(node),
        }
    }

    fn select(&mut self, node: &Value) -> Outcome<Extent> {
        let from = self.query_part(&node["from_table"])?;
        let mut columns = 0.0;
        let mut nodes = from.nodes;
        for item in node["select_list"].as_array().into_iter().flatten() {
            let bound = self.bound(item)?;
            nodes += bound.nodes;
            columns += if item["class"] == "STAR" {
                from.columns
            } else {
                1.0
            };
            if let Some(alias) = item["alias"].as_str().filter(|alias| !alias.is_empty()) {
                let largest = (item["class"] == "CONSTANT").then(|| self.number(item, None));
                self.names
                    .push((alias.to_string(), Bound { largest, ..bound }));
            }
        }
        for clause in [
            "where_clause",
            "having",
            "qualify",
            "group_expressions",
            "modifiers",
        ] {
            nodes += added(&self.all_parts(&json!([node[clause]]))?).nodes;
        }
        Ok(Extent { nodes, columns })
    }

    fn query_part(&mut self, node: &Value) -> Outcome<Extent> {
        // The names of a SELECT do not reach what it reads.
        self.query(node)
    }

    /// Of a join, a set operation and the like: all that they hold.
    fn others(&mut self, node: &Value) -> Outcome<Extent> {
        let mut whole = Extent {
            nodes: 1.0,
            columns: 0.0,
        };
        let parts: Vec<&Value> = match node {
            Value::Array(items) => items.iter().collect(),
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| *name != "cte_map")
                .map(|(_, part)| part)
                .collect(),
            _ => Vec::new(),
        };
        for part in parts {
            let extent = if part["class"].is_string() {
                Extent {
                    nodes: self.bound(part)?.nodes,
                    columns: 0.0,
                }
            } else if part.is_object() || part.is_array() {
                self.query(part)?
            } else {
                continue;
            };
            whole.nodes += extent.nodes;
            whole.columns += extent.columns;
        }
        Ok(whole)
    }
}

/// What is made of some values, which is not larger than all of them.
fn added(parts: &[Bound]) -> Bound {
    let total = |of: fn(&Bound) -> f64| parts.iter().map(of).sum::<f64>();
    Bound {
        is_constant: parts.iter().all(|part| part.is_constant),
        bytes: total(|part| part.bytes) + VALUE_BYTES,
        count: total(|part| part.count),
        entry: parts.iter().map(|part| part.entry).fold(0.0, f64::max),
        largest: None,
        work: total(|part| part.work) + total(|part| part.bytes) + VALUE_BYTES,
        nodes: total(|part| part.nodes) + 1.0,
    }
}

/// Whether the second argument of a function is a pattern, or a path into JSON, that is compiled once where it is constant.
fn takes_pattern(name: &str) -> bool {
    let name = name.trim_start_matches('!');
    name.starts_with("regexp_")
        || matches!(
            name,
            "~" | "~~"
                | "~~*"
                | "~~~"
                | "like_escape"
                | "not_like_escape"
                | "ilike_escape"
                | "not_ilike_escape"
                | "string_split_regex"
                | "str_split_regex"
                | "->"
                | "->>"
                | "json_extract"
                | "json_extract_path"
                | "json_extract_string"
                | "json_extract_path_text"
                | "json_value"
                | "json_exists"
                | "json_type"
                | "json_keys"
                | "json_array_length"
        )
}

fn literal_bytes(node: &Value) -> f64 {
    let text = node["value"]["value"].as_str().map_or(0, str::len);
    text as f64 + VALUE_BYTES
}

fn parameters_of(left: &Value) -> Vec<String> {
    let parameters = if left["class"] == "COLUMN_REF" {
        vec![left]
    } else {
        left["children"].as_array().into_iter().flatten().collect()
    };
    let names = parameters.into_iter().flat_map(names_of);
    names.map(String::from).collect()
}

/// Values in one value of a type that has arrays of a fixed size.
fn array_size(data_type: &Value) -> f64 {
    let info = &data_type["type_info"];
    let own = info["size"].as_f64().unwrap_or(1.0);
    let mut largest = 1.0_f64;
    if info["child_type"].is_object() {
        largest = largest.max(array_size(&info["child_type"]));
    }
    for child in info["child_types"].as_array().into_iter().flatten() {
        largest = largest
            .max(array_size(child))
            .max(array_size(&child["second"]));
    }
    own * largest
}
