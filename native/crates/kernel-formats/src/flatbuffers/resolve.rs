//! The files of a schema's text → what they declare, names looked up and structs laid out.

use std::collections::HashMap;

use super::fbs::{
    Declared, DeclaredField, DeclaredType, Default as Value, SchemaText, What, attribute,
};
use super::schema::{
    Definitions, Enumeration, Field, Object, Scalar, Type, inline_layout, union_reason,
};

/// What is wrong, in which of the files and on which line.
pub(super) struct ResolveError {
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) reason: String,
}

type Resolved<T> = Result<T, ResolveError>;

/// What a name stands for.
#[derive(Clone, Copy)]
enum Named {
    Object(usize),
    Enum(usize),
    Union,
}

/// Puts the files together; the root type and identifier are those of the first.
pub(super) fn resolve(files: &[&SchemaText]) -> Resolved<Definitions> {
    let mut names = Names::default();
    let mut definitions = Definitions::default();
    let all = || {
        files
            .iter()
            .enumerate()
            .flat_map(|(file, text)| text.declared.iter().map(move |one| (file, one)))
    };
    for (file, declared) in all() {
        names.add(file, declared, &mut definitions)?;
    }
    for (file, declared) in all() {
        let What::Object { is_struct, fields } = &declared.what else {
            continue;
        };
        let Some(Named::Object(index)) = names.exactly(&full_name(declared)) else {
            continue;
        };
        let scope = Scope {
            names: &names,
            definitions: &definitions,
            namespace: &declared.namespace,
            file,
        };
        let fields = scope.fields(fields, *is_struct)?;
        definitions.objects[index].fields = fields;
    }
    lay_out_structs(&mut definitions, &all().collect::<Vec<_>>(), &names)?;
    let Some(main) = files.first() else {
        return Ok(definitions);
    };
    if let Some((namespace, name, line)) = &main.root {
        definitions.root = match names.find(namespace, name) {
            Some(Named::Object(index)) => Some(index),
            _ => return Err(wrong(0, *line, format!("there is no table {name}"))),
        };
    }
    if let Some((text, line)) = &main.identifier {
        let bytes = text.as_bytes().try_into();
        let reason = || format!("the identifier {text:?} has not 4 characters");
        definitions.identifier = Some(bytes.map_err(|_| wrong(0, *line, reason()))?);
    }
    Ok(definitions)
}

fn wrong(file: usize, line: usize, reason: String) -> ResolveError {
    ResolveError { file, line, reason }
}

fn full_name(declared: &Declared) -> String {
    match declared.namespace.as_str() {
        "" => declared.name.clone(),
        namespace => format!("{namespace}.{}", declared.name),
    }
}

/// Every type by its full name.
#[derive(Default)]
struct Names(HashMap<String, Named>);

impl Names {
    fn add(
        &mut self,
        file: usize,
        declared: &Declared,
        definitions: &mut Definitions,
    ) -> Resolved<()> {
        let name = full_name(declared);
        let named = match &declared.what {
            What::Object { is_struct, .. } => {
                definitions.objects.push(Object {
                    name: name.clone(),
                    is_struct: *is_struct,
                    ..Object::default()
                });
                Named::Object(definitions.objects.len() - 1)
            }
            What::Enum { underlying, values } => {
                let is_flags = attribute(&declared.attributes, "bit_flags").is_some();
                let found = enumeration(&name, underlying, values, is_flags);
                definitions
                    .enums
                    .push(found.map_err(|reason| wrong(file, declared.line, reason))?);
                Named::Enum(definitions.enums.len() - 1)
            }
            What::Union => Named::Union,
        };
        if self.0.insert(name.clone(), named).is_some() {
            let reason = format!("{name} is declared twice");
            return Err(wrong(file, declared.line, reason));
        }
        Ok(())
    }

    fn exactly(&self, name: &str) -> Option<Named> {
        self.0.get(name).copied()
    }

    /// As it is meant in a namespace: in it, in those around it, or in none.
    fn find(&self, namespace: &str, name: &str) -> Option<Named> {
        let mut around = namespace;
        while !around.is_empty() {
            if let Some(found) = self.exactly(&format!("{around}.{name}")) {
                return Some(found);
            }
            around = around.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.exactly(name)
    }
}

fn enumeration(
    name: &str,
    underlying: &str,
    declared: &[(String, Option<String>)],
    is_flags: bool,
) -> Result<Enumeration, String> {
    let integers =
        scalar(underlying).filter(|scalar| !scalar.is_float() && *scalar != Scalar::Bool);
    let Some(underlying) = integers else {
        return Err(format!(
            "{underlying} is no type of integers, which {name} needs"
        ));
    };
    let mut values: Vec<(i128, String)> = Vec::with_capacity(declared.len());
    let mut next = 0;
    for (value, digits) in declared {
        let number = match digits {
            Some(digits) => integer(digits).ok_or(format!("{digits} is no integer"))?,
            None => next,
        };
        next = number + 1;
        let stored = match is_flags {
            true if (0..64).contains(&number) => 1_i128 << number,
            true => return Err(format!("{name}.{value} is no bit of {name}")),
            false => number,
        };
        if !underlying.range().contains(&stored) {
            return Err(format!(
                "{name}.{value} is {stored}, which is outside of its type"
            ));
        }
        values.push((stored, value.clone()));
    }
    values.sort();
    Ok(Enumeration {
        name: name.to_owned(),
        underlying,
        is_flags,
        values,
    })
}

/// A scalar type by either of its names.
fn scalar(name: &str) -> Option<Scalar> {
    Some(match name {
        "bool" => Scalar::Bool,
        "byte" | "int8" => Scalar::Int8,
        "ubyte" | "uint8" => Scalar::UInt8,
        "short" | "int16" => Scalar::Int16,
        "ushort" | "uint16" => Scalar::UInt16,
        "int" | "int32" => Scalar::Int32,
        "uint" | "uint32" => Scalar::UInt32,
        "long" | "int64" => Scalar::Int64,
        "ulong" | "uint64" => Scalar::UInt64,
        "float" | "float32" => Scalar::Float32,
        "double" | "float64" => Scalar::Float64,
        _ => return None,
    })
}

fn integer(digits: &str) -> Option<i128> {
    let (is_negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let hexadecimal = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if is_negative {
        -i128::from(number)
    } else {
        number.into()
    })
}

/// Where the fields of a table or struct look names up.
struct Scope<'a> {
    names: &'a Names,
    definitions: &'a Definitions,
    namespace: &'a str,
    file: usize,
}

impl Scope<'_> {
    /// The fields in the order of their slots.
    fn fields(&self, declared: &[DeclaredField], is_struct: bool) -> Resolved<Vec<Field>> {
        let mut fields = Vec::with_capacity(declared.len());
        let mut slot = 0;
        let given = declared
            .iter()
            .filter(|field| attribute(&field.attributes, "id").is_some())
            .count();
        for one in declared {
            let wrong = |reason: String| {
                wrong(self.file, one.line, format!("field {}: {reason}", one.name))
            };
            if fields.iter().any(|field: &Field| field.name == one.name) {
                return Err(wrong("there are two of this name".to_owned()));
            }
            let mut field = self.field(one, is_struct).map_err(wrong)?;
            let is_union = self.is_union(&one.ty);
            if given > 0 && !is_struct {
                let id = attribute(&one.attributes, "id").flatten().and_then(integer);
                let id = id
                    .and_then(|id| usize::try_from(id).ok())
                    .filter(|id| *id <= SLOT_MAX);
                let reason = "where one field has an id, all need one";
                field.slot = id.ok_or_else(|| wrong(reason.to_owned()))?;
            } else {
                // The type of a union has the slot before its value.
                field.slot = slot + usize::from(is_union);
                slot = field.slot + 1;
            }
            if field.slot > SLOT_MAX {
                return Err(wrong("a table has no room for so many fields".to_owned()));
            }
            if fields.iter().any(|other: &Field| other.slot == field.slot) {
                return Err(wrong(format!("there are two of the id {}", field.slot)));
            }
            fields.push(field);
        }
        if !is_struct {
            fields.sort_by_key(|field| field.slot);
        }
        Ok(fields)
    }

    fn is_union(&self, ty: &DeclaredType) -> bool {
        match ty {
            DeclaredType::Named(name) => {
                matches!(self.names.find(self.namespace, name), Some(Named::Union))
            }
            DeclaredType::Vector(item) | DeclaredType::Array(item, _) => self.is_union(item),
        }
    }

    fn field(&self, declared: &DeclaredField, is_struct: bool) -> Result<Field, String> {
        let has = |name| attribute(&declared.attributes, name).is_some();
        let mut ty = self.field_type(&declared.ty, is_struct)?;
        if has("offset64") || has("vector64") {
            ty = Type::Unsupported("it has an offset of 64 bits".to_owned());
        }
        let mut field = Field {
            name: declared.name.clone(),
            ty,
            slot: 0,
            default: [0; 8],
            default_text: None,
            is_deprecated: has("deprecated"),
            is_required: has("required"),
            is_optional: false,
        };
        if let Some(default) = &declared.default {
            if is_struct {
                return Err("a field of a struct has no default".to_owned());
            }
            self.set_default(&mut field, default)?;
        }
        Ok(field)
    }

    fn field_type(&self, declared: &DeclaredType, is_struct: bool) -> Result<Type, String> {
        match declared {
            DeclaredType::Named(name) => self.named_type(name),
            DeclaredType::Vector(item) => {
                Ok(Type::Vector(self.field_type(item, is_struct)?.into()))
            }
            DeclaredType::Array(item, count)
                if is_struct && (1..=u16::MAX.into()).contains(count) =>
            {
                Ok(Type::Array(
                    self.field_type(item, is_struct)?.into(),
                    *count,
                ))
            }
            DeclaredType::Array(..) => Err(
                "an array of fixed length stands in structs only, with 1 to 65535 items".to_owned(),
            ),
        }
    }

    fn named_type(&self, name: &str) -> Result<Type, String> {
        if let Some(scalar) = scalar(name) {
            return Ok(Type::Scalar(scalar));
        }
        match self.names.find(self.namespace, name) {
            _ if name == "string" => Ok(Type::Text),
            Some(Named::Object(index)) => Ok(Type::Object(index)),
            Some(Named::Enum(index)) => Ok(Type::Enum(index)),
            Some(Named::Union) => Ok(Type::Unsupported(union_reason(name))),
            None => Err(format!("there is no type {name}")),
        }
    }

    fn set_default(&self, field: &mut Field, default: &Value) -> Result<(), String> {
        let (scalar, known) = match &field.ty {
            Type::Scalar(scalar) => (*scalar, None),
            Type::Enum(index) => {
                let known = &self.definitions.enums[*index];
                (known.underlying, Some(known))
            }
            Type::Text => {
                return match default {
                    Value::Text(text) => {
                        field.default_text = Some(text.clone());
                        Ok(())
                    }
                    Value::Name(name) if name == "null" => Ok(()),
                    _ => Err("its default is no text".to_owned()),
                };
            }
            _ => return Ok(()),
        };
        let text = match default {
            Value::Name(name) if name == "null" => {
                field.is_optional = true;
                return Ok(());
            }
            Value::Name(name) | Value::Number(name) | Value::Text(name) => name.as_str(),
            Value::EmptyVector => return Err("its default is no number".to_owned()),
        };
        let stored = scalar_bytes(scalar, known, text);
        field.default = stored.ok_or_else(|| format!("its default {text} is not of its type"))?;
        Ok(())
    }
}

/// The last place of a field in a vtable, whose length has 16 bits.
const SLOT_MAX: usize = 32_764;

/// A default value as it is stored.
fn scalar_bytes(scalar: Scalar, known: Option<&Enumeration>, text: &str) -> Option<[u8; 8]> {
    let mut bytes = [0; 8];
    if scalar.is_float() {
        let value: f64 = text.trim_start_matches('+').parse().ok()?;
        if scalar == Scalar::Float32 {
            // From the text, as rounding twice may differ from rounding once.
            let narrow: f32 = text.trim_start_matches('+').parse().ok()?;
            bytes[..4].copy_from_slice(&narrow.to_le_bytes());
        } else {
            bytes = value.to_le_bytes();
        }
        return Some(bytes);
    }
    let named = |name: &str| {
        let own = name.rsplit('.').next()?;
        let values = &known?.values;
        let found = values.iter().find(|(_, value)| value == own)?;
        Some(found.0)
    };
    let value = match text {
        "true" => 1,
        "false" => 0,
        _ => integer(text).or_else(|| {
            let parts = text.split_whitespace().map(named);
            parts.sum::<Option<i128>>()
        })?,
    };
    scalar
        .range()
        .contains(&value)
        .then(|| (value as u64).to_le_bytes())
}

/// Gives every struct its layout: those inside others first.
fn lay_out_structs(
    definitions: &mut Definitions,
    declared: &[(usize, &Declared)],
    names: &Names,
) -> Resolved<()> {
    let mut waiting: Vec<(usize, &Declared, usize)> = declared
        .iter()
        .filter_map(|(file, one)| match names.exactly(&full_name(one)) {
            Some(Named::Object(index)) if definitions.objects[index].is_struct => {
                Some((*file, *one, index))
            }
            _ => None,
        })
        .collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut still = Vec::new();
        for (file, one, index) in waiting {
            match lay_out(definitions, index, one) {
                Layout::Done => {}
                Layout::Waits => still.push((file, one, index)),
                Layout::Impossible(reason) => return Err(wrong(file, one.line, reason)),
            }
        }
        if still.len() == before {
            let (file, one, _) = still[0];
            let reason = format!("the struct {} holds itself", one.name);
            return Err(wrong(file, one.line, reason));
        }
        waiting = still;
    }
    Ok(())
}

enum Layout {
    Done,
    Waits,
    Impossible(String),
}

fn lay_out(definitions: &mut Definitions, index: usize, declared: &Declared) -> Layout {
    let object = &definitions.objects[index];
    let (mut end, mut align) = (0_usize, 1);
    let mut places = Vec::with_capacity(object.fields.len());
    for field in &object.fields {
        let Some((size, own_align)) = inline_layout(&field.ty, definitions) else {
            let reason = format!("{}.{} cannot be in a struct", object.name, field.name);
            return Layout::Impossible(reason);
        };
        if size == 0 {
            return Layout::Waits;
        }
        let place = end.next_multiple_of(own_align);
        places.push(place);
        end = place + size;
        align = align.max(own_align);
        if end > STRUCT_BYTES_MAX {
            return Layout::Impossible(format!("the struct {} is too large", object.name));
        }
    }
    if places.is_empty() {
        return Layout::Impossible(format!("the struct {} has no field", object.name));
    }
    if let Some(forced) = attribute(&declared.attributes, "force_align") {
        match forced.and_then(|text| text.parse::<usize>().ok()) {
            Some(forced) if forced.is_power_of_two() && (align..=1 << 15).contains(&forced) => {
                align = forced;
            }
            _ => return Layout::Impossible("force_align is no alignment".to_owned()),
        }
    }
    let object = &mut definitions.objects[index];
    for (field, place) in object.fields.iter_mut().zip(places) {
        field.slot = place;
    }
    (object.align, object.size) = (align, end.next_multiple_of(align));
    Layout::Done
}

/// A struct stands in a table, whose size has 16 bits, or in a vector.
const STRUCT_BYTES_MAX: usize = 1 << 24;
