//! How the columns of a table follow from its schema: tables and structs inside it are laid flat.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{DataType, Field as ArrowField, Fields, Schema, SchemaRef};

use super::schema::{Definitions, Enumeration, Field, Object, Scalar, Type, inline_layout};

/// Tables and structs inside each other.
const DEPTH_MAX: usize = 32;
/// Columns, those of lists' items included.
const COLUMNS_MAX: usize = 4_096;

/// The columns of a root table and how a message fills them.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) root: Record,
    pub(super) columns: Vec<ColumnPlan>,
    pub(super) identifier: Option<[u8; 4]>,
}

/// One column, of rows or of a list's items.
#[derive(Debug)]
pub(super) struct ColumnPlan {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
    pub(super) is_nullable: bool,
}

#[derive(Debug)]
pub(super) enum ColumnKind {
    Scalar(Scalar),
    Text,
    List(Arc<ItemPlan>),
}

/// What a list holds.
#[derive(Debug)]
pub(super) struct ItemPlan {
    pub(super) value: Value,
    pub(super) columns: Vec<ColumnPlan>,
    /// Bytes of an item in its vector.
    pub(super) size: usize,
    pub(super) align: usize,
}

/// A table or struct, and which of the columns are its own.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) fields: Vec<FieldPlan>,
    pub(super) columns: Range<usize>,
    /// Bytes of a struct.
    pub(super) size: usize,
}

#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) name: String,
    /// As of [`Field`](super::schema::Field).
    pub(super) slot: usize,
    pub(super) is_required: bool,
    pub(super) value: Value,
    /// Bytes in the table or struct.
    pub(super) size: usize,
    pub(super) align: usize,
}

/// A value and its column, or the first of its columns.
#[derive(Debug)]
pub(super) enum Value {
    Scalar {
        column: usize,
        /// None where it is null.
        default: Option<[u8; 8]>,
        scalar: Scalar,
    },
    Enum {
        column: usize,
        default: Option<[u8; 8]>,
        known: Arc<Enumeration>,
    },
    Text {
        column: usize,
        default: Option<String>,
    },
    Table(Record),
    Struct(Record),
    Vector {
        column: usize,
        item: Arc<ItemPlan>,
    },
    Array {
        column: usize,
        item: Arc<ItemPlan>,
        count: usize,
    },
}

impl Value {
    pub(super) fn is_inline(&self) -> bool {
        !matches!(
            self,
            Self::Text { .. } | Self::Table(_) | Self::Vector { .. }
        )
    }
}

/// The field that stands in the way of columns, by its path, and why.
pub(super) type Refusal = (String, String);

impl Plan {
    /// The columns of an object of the schema.
    pub(super) fn new(definitions: &Definitions, root: usize) -> Result<Self, Refusal> {
        let mut planner = Planner {
            definitions,
            around: Vec::new(),
            count: 0,
        };
        let mut columns = Vec::new();
        let root = planner.record(root, "", false, &mut columns)?;
        let mut names: Vec<&str> = columns.iter().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let reason = "two fields, one of them inside another, would be the column of this name";
            return Err((pair[0].to_owned(), reason.to_owned()));
        }
        Ok(Self {
            root,
            columns,
            identifier: definitions.identifier,
        })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(arrow_fields(&self.columns, false)))
    }
}

/// Inside lists every column is nullable, as the text of a type cannot say otherwise.
fn arrow_fields(columns: &[ColumnPlan], all_nullable: bool) -> Fields {
    columns
        .iter()
        .map(|one| {
            let is_nullable = all_nullable || one.is_nullable;
            ArrowField::new(&one.name, one.kind.data_type(), is_nullable)
        })
        .collect()
}

impl ColumnKind {
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Scalar(scalar) => scalar.data_type(),
            Self::Text => DataType::Utf8,
            Self::List(item) => DataType::new_list(item.data_type(), true),
        }
    }
}

impl ItemPlan {
    /// Whether the items are tables or structs, of several columns.
    pub(super) fn is_record(&self) -> bool {
        matches!(self.value, Value::Table(_) | Value::Struct(_))
    }

    pub(super) fn fields(&self) -> Fields {
        arrow_fields(&self.columns, true)
    }

    fn data_type(&self) -> DataType {
        match self.is_record() {
            true => DataType::Struct(self.fields()),
            false => self.columns[0].kind.data_type(),
        }
    }
}

impl Scalar {
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::UInt8 => DataType::UInt8,
            Self::Int16 => DataType::Int16,
            Self::UInt16 => DataType::UInt16,
            Self::Int32 => DataType::Int32,
            Self::UInt32 => DataType::UInt32,
            Self::Int64 => DataType::Int64,
            Self::UInt64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
        }
    }
}

struct Planner<'a> {
    definitions: &'a Definitions,
    /// Objects in which the current one stands.
    around: Vec<usize>,
    count: usize,
}

impl Planner<'_> {
    /// `prefix` is the path to the object, with the separator behind it.
    fn record(
        &mut self,
        index: usize,
        prefix: &str,
        is_nullable: bool,
        columns: &mut Vec<ColumnPlan>,
    ) -> Result<Record, Refusal> {
        let definitions = self.definitions;
        let object = &definitions.objects[index];
        let path = prefix.trim_end_matches('_');
        if self.around.contains(&index) {
            let reason = format!("{} holds itself, which has no end of columns", object.name);
            return Err((path.to_owned(), reason));
        }
        if self.around.len() >= DEPTH_MAX {
            let reason = format!("it is nested more than {DEPTH_MAX} deep");
            return Err((path.to_owned(), reason));
        }
        self.around.push(index);
        let first = columns.len();
        let mut fields = Vec::with_capacity(object.fields.len());
        for field in object
            .fields
            .iter()
            .filter(|field| !is_left_out(object, field))
        {
            fields.push(self.field(object, field, prefix, is_nullable, columns)?);
        }
        self.around.pop();
        Ok(Record {
            fields,
            columns: first..columns.len(),
            size: object.size,
        })
    }

    fn field(
        &mut self,
        object: &Object,
        field: &Field,
        prefix: &str,
        is_nullable: bool,
        columns: &mut Vec<ColumnPlan>,
    ) -> Result<FieldPlan, Refusal> {
        let name = format!("{prefix}{}", field.name);
        let is_always_there = object.is_struct || field.is_required;
        let layout = inline_layout(&field.ty, self.definitions);
        let (size, align) = layout.unwrap_or((4, 4));
        if object.is_struct && field.slot + size > object.size {
            let reason = format!("it is outside of the struct {}", object.name);
            return Err((name, reason));
        }
        let value = self.value(field, &name, is_nullable, is_always_there, columns)?;
        Ok(FieldPlan {
            name,
            slot: field.slot,
            is_required: field.is_required,
            value,
            size,
            align,
        })
    }

    fn value(
        &mut self,
        field: &Field,
        name: &str,
        is_nullable: bool,
        is_always_there: bool,
        columns: &mut Vec<ColumnPlan>,
    ) -> Result<Value, Refusal> {
        let column = columns.len();
        let default = (!field.is_optional).then_some(field.default);
        let mut add = |kind, may_be_absent: bool| {
            columns.push(ColumnPlan {
                name: name.to_owned(),
                kind,
                is_nullable: is_nullable || (may_be_absent && !is_always_there),
            });
        };
        self.count_field(name)?;
        match &field.ty {
            Type::Scalar(scalar) => {
                add(ColumnKind::Scalar(*scalar), default.is_none());
                Ok(scalar_value(*scalar, column, default))
            }
            Type::Enum(index) => {
                let known = &self.definitions.enums[*index];
                if known.is_flags {
                    add(ColumnKind::Scalar(known.underlying), default.is_none());
                    return Ok(scalar_value(known.underlying, column, default));
                }
                add(ColumnKind::Text, default.is_none());
                let known = Arc::new(known.clone());
                Ok(Value::Enum {
                    column,
                    default,
                    known,
                })
            }
            Type::Text => {
                add(ColumnKind::Text, field.default_text.is_none());
                let default = field.default_text.clone();
                Ok(Value::Text { column, default })
            }
            Type::Object(index) => {
                let may_be_null = is_nullable || !is_always_there;
                let record = self.record(*index, &format!("{name}_"), may_be_null, columns)?;
                Ok(match self.definitions.objects[*index].is_struct {
                    true => Value::Struct(record),
                    false => Value::Table(record),
                })
            }
            Type::Vector(item) => {
                let item = Arc::new(self.item(item, name)?);
                columns.push(list_column(name, &item, is_nullable || !is_always_there));
                Ok(Value::Vector { column, item })
            }
            Type::Array(item, count) => {
                let item = Arc::new(self.item(item, name)?);
                columns.push(list_column(name, &item, is_nullable || !is_always_there));
                Ok(Value::Array {
                    column,
                    item,
                    count: *count,
                })
            }
            Type::Unsupported(reason) => Err((name.to_owned(), reason.clone())),
        }
    }

    fn count_field(&mut self, name: &str) -> Result<(), Refusal> {
        self.count += 1;
        if self.count <= COLUMNS_MAX {
            return Ok(());
        }
        let reason = format!("there are more than {COLUMNS_MAX} columns");
        Err((name.to_owned(), reason))
    }

    fn item(&mut self, ty: &Type, name: &str) -> Result<ItemPlan, Refusal> {
        let (size, align) = inline_layout(ty, self.definitions).unwrap_or((4, 4));
        let field = Field {
            name: String::new(),
            ty: ty.clone(),
            slot: 0,
            default: [0; 8],
            default_text: None,
            is_deprecated: false,
            is_required: true,
            is_optional: false,
        };
        let mut columns = Vec::new();
        let value = match ty {
            Type::Object(index) => {
                let record = self
                    .record(*index, "", false, &mut columns)
                    .map_err(|(inner, reason)| (format!("{name}.{inner}"), reason))?;
                match self.definitions.objects[*index].is_struct {
                    true => Value::Struct(record),
                    false => Value::Table(record),
                }
            }
            _ => self.value(&field, name, false, true, &mut columns)?,
        };
        if columns.is_empty() {
            let reason = "its items have no fields".to_owned();
            return Err((name.to_owned(), reason));
        }
        Ok(ItemPlan {
            value,
            columns,
            size,
            align,
        })
    }
}

fn scalar_value(scalar: Scalar, column: usize, default: Option<[u8; 8]>) -> Value {
    Value::Scalar {
        column,
        default,
        scalar,
    }
}

fn list_column(name: &str, item: &Arc<ItemPlan>, is_nullable: bool) -> ColumnPlan {
    ColumnPlan {
        name: name.to_owned(),
        kind: ColumnKind::List(Arc::clone(item)),
        is_nullable,
    }
}

/// What writers no longer write. A struct keeps the place of such a field, and its value.
fn is_left_out(object: &Object, field: &Field) -> bool {
    field.is_deprecated && !object.is_struct
}
