//! Checking SQL expressions against a schema, without data.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::Value;

use crate::columns::{is_zoned, require_distinct_names, result_type};
use crate::connection::{Connection, Statement};
use crate::database::Database;
use crate::error::{EngineError, ExpressionIssue, RelationalError, Result};
use crate::integer_sums::{IntegerSums, sum_columns};
use crate::quote;
use crate::syntax::{self, Form, Over};
use crate::units::UNIT;

/// An expression that fits a schema.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) text: String,
    pub(crate) form: Form,
    /// What it gives. Named after the column if it is one, else after its own text.
    pub(crate) field: Field,
}

/// Checks that `expression` is a SQL expression over one row of `schema`, and tells the type and nullability of its value. Nothing is
/// read. Costs about 1 ms.
///
/// The field keeps the column's metadata if the expression is nothing but a column, and has the unit of its value where that follows from
/// those of the columns. It is nullable unless it is a column that
/// is not, a literal, `IS NULL` or `IS NOT NULL`.
///
/// # Errors
/// `Expression` with message, position and candidates for: bad syntax; unknown columns and functions; operands of the wrong types,
/// among them text compared with other types, and literals that cannot be read as what they are compared with (`k = 'abc'`); subqueries,
/// aggregates, window functions, parameters, several statements; functions that read the clock, chance, the session or files; values of
/// different units that are added or compared.
/// `UnsupportedType`, `AmbiguousColumns` for columns that it uses.
pub fn check_expression(
    database: &Arc<Database>,
    schema: &Schema,
    expression: &str,
) -> Result<Field> {
    let connection = Connection::open(database)?;
    check(&connection, schema, expression).map(|checked| checked.field)
}

/// Checks that `expression` is a SQL expression over the rows of a group, such as `sum(x) / count(*)`, and tells the type and nullability
/// of its value; sums of integers are what `sums` says. `group_by` are the columns of `schema` that are equal within a group; with none there is one group of all rows.
///
/// The field is nullable unless the expression is nothing but a count, a literal, `IS NULL` or `IS NOT NULL`.
///
/// # Errors
/// As [`check_expression`], but aggregates are welcome; a column outside of them must be one of `group_by`. `UnsupportedType` and
/// `AmbiguousColumns` for any column, as a query would give them.
pub fn check_measure(
    database: &Arc<Database>,
    schema: &Schema,
    group_by: &[&str],
    expression: &str,
    sums: IntegerSums,
) -> Result<Field> {
    let connection = Connection::open(database)?;
    let functions = database.functions(&connection)?;
    let form = syntax::parse(&connection, functions, schema, expression, Over::Group)?;
    let registration = database
        .inputs()
        .register(&ScanSchema::new(schema, (0..schema.fields().len()).collect())?.schema)?;
    let keys: Vec<String> = group_by
        .iter()
        .map(|name| quote::identifier(name))
        .collect();
    let grouping = if keys.is_empty() {
        String::new()
    } else {
        format!(" GROUP BY {}", keys.join(", "))
    };
    let probe = Probe {
        connection: &connection,
        // The count makes it an aggregation where the expression alone would not.
        tail: format!("{TAIL}, count(*) FROM {}{grouping}", registration.sql()),
        expression,
    };
    let value_type = probe.value_type_in_group(sums)?;
    probe.refuse_lax_casts(&form)?;
    Ok(computed(expression, schema, &form, &value_type))
}

pub(crate) fn check(
    connection: &Arc<Connection>,
    schema: &Schema,
    expression: &str,
) -> Result<Checked> {
    let functions = connection.database().functions(connection)?;
    let form = syntax::parse(connection, functions, schema, expression, Over::Row)?;
    let field = match form.bare {
        Some(column) => schema.field(column).clone(),
        None => computed_field(connection, schema, expression, &form)?,
    };
    Ok(Checked {
        text: expression.to_string(),
        form,
        field,
    })
}

fn computed_field(
    connection: &Arc<Connection>,
    schema: &Schema,
    expression: &str,
    form: &Form,
) -> Result<Field> {
    let input = ScanSchema::new(schema, form.columns.clone())?;
    let registration = connection.database().inputs().register(&input.schema)?;
    let probe = Probe {
        connection,
        tail: format!("{TAIL} FROM {}", registration.sql()),
        expression,
    };
    let value_type = probe.value_type()?;
    probe.refuse_lax_casts(form)?;
    Ok(computed(expression, schema, form, &value_type))
}

/// The field of an expression that is more than a column.
fn computed(expression: &str, schema: &Schema, form: &Form, value_type: &DataType) -> Field {
    let zoned = form
        .columns
        .iter()
        .any(|column| is_zoned(schema.field(*column).data_type()));
    let field = Field::new(expression, result_type(value_type, zoned), !form.never_null);
    match &form.unit {
        Some(unit) => field.with_metadata([(UNIT.to_string(), unit.clone())].into()),
        None => field,
    }
}

/// The columns that a scan reads for some expressions, and after them the number of each row.
pub(crate) struct ScanSchema {
    /// Positions in the input's schema.
    pub(crate) columns: Vec<usize>,
    pub(crate) schema: SchemaRef,
}

impl ScanSchema {
    pub(crate) fn new(input: &Schema, columns: Vec<usize>) -> Result<Self> {
        let mut fields: Vec<Field> = columns
            .iter()
            .map(|column| input.field(*column).clone())
            .collect();
        let mut row = "row_number".to_string();
        while fields
            .iter()
            .any(|field| field.name().eq_ignore_ascii_case(&row))
        {
            row.push('_');
        }
        fields.push(Field::new(row, DataType::UInt32, false));
        let schema = Arc::new(Schema::new(fields.into_iter().collect::<Fields>()));
        require_distinct_names(&schema)?;
        Ok(Self { columns, schema })
    }

    /// The column of row numbers as a SQL identifier.
    pub(crate) fn row_number(&self) -> String {
        quote::identifier(self.schema.field(self.columns.len()).name())
    }
}

/// An expression in the two places in which DuckDB is asked about it.
struct Probe<'a> {
    connection: &'a Arc<Connection>,
    expression: &'a str,
    /// What stands after it.
    tail: String,
}

/// What stands before the expression. Its length maps DuckDB's positions to the expression's.
const HEAD: &str = "SELECT (";
/// Ends a comment in the expression, so that what follows is read.
const TAIL: &str = "\n)";

impl Probe<'_> {
    fn failed(
        &self,
        message: String,
        position: Option<usize>,
        candidates: Vec<String>,
    ) -> RelationalError {
        RelationalError::Expression {
            expression: self.expression.to_string(),
            issue: ExpressionIssue {
                message,
                position,
                candidates,
                ..ExpressionIssue::default()
            },
        }
    }

    fn select(&self) -> String {
        format!("{HEAD}{}{}", self.expression, self.tail)
    }

    fn value_type_in_group(&self, sums: IntegerSums) -> Result<DataType> {
        let sql = self.select();
        let statement = self.connection.prepare(&sql).map_err(|error| {
            let position = self.position(&error, HEAD.len());
            self.failed(error.message, position, error.candidates)
        })?;
        let value_type = self.result_type(&statement)?;
        let is_sum = sums == IntegerSums::Int64
            && sum_columns(self.connection, &statement, &sql)?.contains(&0);
        Ok(if is_sum { DataType::Int64 } else { value_type })
    }

    /// The type of the first column.
    fn result_type(&self, statement: &Statement) -> Result<DataType> {
        match statement.schema() {
            Ok(schema) => Ok(schema.field(0).data_type().clone()),
            Err(RelationalError::Query { issue }) => {
                Err(self.failed(issue.message, Some(0), vec![]))
            }
            Err(error) => Err(error),
        }
    }

    fn value_type(&self) -> Result<DataType> {
        let select = self.select();
        // WHERE takes no aggregates, not even those that hide in macros.
        let filter = format!("{select} WHERE ({}{TAIL} IS NULL", self.expression);
        let statement = self
            .connection
            .prepare(&filter)
            .map_err(|error| self.binding_error(error, select.len()))?;
        self.result_type(&statement)
    }

    fn binding_error(&self, error: EngineError, filter_start: usize) -> RelationalError {
        if error.message.contains("WHERE clause cannot contain") {
            return self.failed(
                "a function in it works on many rows; use the aggregate transform".to_string(),
                None,
                vec![],
            );
        }
        let filter_head = filter_start + " WHERE (".len();
        let position = self
            .position(&error, filter_head)
            .or_else(|| self.position(&error, HEAD.len()));
        self.failed(error.message, position, error.candidates)
    }

    /// The place of an error in the expression, if that begins at `start` and the error lies within.
    fn position(&self, error: &EngineError, start: usize) -> Option<usize> {
        error
            .position?
            .checked_sub(start)
            .filter(|position| *position <= self.expression.len())
    }

    /// DuckDB turns text into other types without being told to where it meets them in a comparison, and finds out per row whether it
    /// can. Its plan shows every such conversion.
    fn refuse_lax_casts(&self, form: &Form) -> Result<()> {
        let bound = self.plan(false)?;
        if let Some((target, location)) = find_lax_cast(&bound, form) {
            let message = format!(
                "text meets a value of type {target} here; write CAST(… AS {target}) if that is meant"
            );
            return Err(self.failed(message, Some(location), vec![]));
        }
        // The optimizer replaces a cast of a literal by its value. One that stays cannot be made.
        let optimized = self.plan(true)?;
        if let Some((literal, target, location)) = find_impossible_literal(&optimized) {
            return Err(self.failed(
                format!("{} cannot be read as {target}", quote::text(&literal)),
                location,
                vec![],
            ));
        }
        Ok(())
    }

    /// A plan that DuckDB cannot write down is not searched: the conversion then fails on its row.
    fn plan(&self, optimized: bool) -> Result<Value> {
        syntax::plan(self.connection, &self.select(), optimized)
    }
}

fn location(node: &Value) -> Option<usize> {
    let location = usize::try_from(node["query_location"].as_u64()?).ok()?;
    if location == usize::MAX {
        None
    } else {
        location.checked_sub(HEAD.len())
    }
}

/// Finds the first object in a plan for which `test` gives something.
fn search<T>(node: &Value, test: &impl Fn(&Value) -> Option<T>) -> Option<T> {
    match node {
        Value::Array(items) => items.iter().find_map(|item| search(item, test)),
        Value::Object(fields) => {
            test(node).or_else(|| fields.values().find_map(|value| search(value, test)))
        }
        _ => None,
    }
}

fn is_text_cast(node: &Value) -> bool {
    let from = node["child"]["return_type"]["id"]
        .as_str()
        .or_else(|| node["child"]["value"]["type"]["id"].as_str());
    node["expression_class"] == "BOUND_CAST"
        && node["try_cast"] == false
        && from == Some("VARCHAR")
        && node["return_type"]["id"] != "VARCHAR"
}

/// A conversion of computed or stored text that the user did not write, as target type and place.
fn find_lax_cast(plan: &Value, form: &Form) -> Option<(String, usize)> {
    let lax = |cast: &Value| {
        let place = location(cast)?;
        let literal = cast["child"]["expression_class"] == "BOUND_CONSTANT";
        let written = form.casts.contains(&place);
        (is_text_cast(cast) && !literal && !written).then(|| {
            (
                cast["return_type"]["id"]
                    .as_str()
                    .unwrap_or("another type")
                    .to_string(),
                place,
            )
        })
    };
    // Only these convert by themselves; function arguments do not.
    search(plan, &|node| match node["expression_class"].as_str()? {
        "BOUND_COMPARISON" => lax(&node["left"]).or_else(|| lax(&node["right"])),
        "BOUND_CASE" => node["case_checks"]
            .as_array()?
            .iter()
            .find_map(|check| lax(&check["when_expr"])),
        "BOUND_OPERATOR" | "BOUND_CONJUNCTION" => node["children"].as_array()?.iter().find_map(lax),
        _ => None,
    })
}

fn find_impossible_literal(plan: &Value) -> Option<(String, String, Option<usize>)> {
    search(plan, &|node| {
        let literal = node["child"]["value"]["value"]
            .as_str()
            .filter(|_| is_text_cast(node))?;
        let target = node["return_type"]["id"]
            .as_str()
            .unwrap_or("the type needed");
        Some((
            literal.to_string(),
            target.to_string(),
            location(&node["child"]),
        ))
    })
}
