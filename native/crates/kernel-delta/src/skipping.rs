//! Which files need not be read, by what the log says of them.

use delta_kernel::Predicate;
use delta_kernel::expressions::{Expression, Scalar};
use delta_kernel::schema::{DataType, PrimitiveType, StructType};

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Less than the value.
    Less,
    /// Less than the value, or equal.
    LessOrEqual,
    /// Greater than the value.
    Greater,
    /// Greater than the value, or equal.
    GreaterOrEqual,
    /// Equal to one of the values.
    In,
    /// Null.
    IsNull,
    /// Not null.
    IsNotNull,
}

/// What every wanted row fulfils. Values are texts: numbers in decimal, dates and times as ISO 8601.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Name of a top-level column.
    pub column: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// One, several for `In`, none for nulls.
    pub values: Vec<String>,
}

/// The conditions for `delta_kernel`, without those that say nothing it could use; none when no one is left.
pub(crate) fn predicate_of(conditions: &[Condition], schema: &StructType) -> Option<Predicate> {
    let known: Vec<Predicate> = conditions
        .iter()
        .filter_map(|condition| one(condition, schema))
        .collect();
    (!known.is_empty()).then(|| Predicate::and_from(known))
}

fn one(condition: &Condition, schema: &StructType) -> Option<Predicate> {
    let field = schema.field(&condition.column)?;
    let DataType::Primitive(primitive) = field.data_type() else {
        return None;
    };
    let column = || Expression::column([condition.column.as_str()]);
    let value = |text: &String| literal(primitive, text);
    let first = || condition.values.first().and_then(value);
    Some(match condition.comparison {
        Comparison::IsNull => Predicate::is_null(column()),
        Comparison::IsNotNull => Predicate::is_not_null(column()),
        Comparison::Less => Predicate::lt(column(), first()?),
        Comparison::LessOrEqual => Predicate::le(column(), first()?),
        Comparison::Greater => Predicate::gt(column(), first()?),
        Comparison::GreaterOrEqual => Predicate::ge(column(), first()?),
        Comparison::In => {
            let values: Option<Vec<Scalar>> = condition.values.iter().map(value).collect();
            let equal = |value: Scalar| Predicate::eq(column(), value);
            Predicate::or_from(values?.into_iter().map(equal))
        }
    })
}

/// Floats are left out: writers do not agree on what statistics say of NaN.
fn literal(primitive: &PrimitiveType, text: &str) -> Option<Scalar> {
    let is_comparable = matches!(
        primitive,
        PrimitiveType::Byte
            | PrimitiveType::Short
            | PrimitiveType::Integer
            | PrimitiveType::Long
            | PrimitiveType::String
            | PrimitiveType::Date
    );
    if !is_comparable || text.is_empty() {
        return None;
    }
    primitive.parse_scalar(text).ok()
}
