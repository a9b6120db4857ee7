//! How the elements of messages are read and written.

use super::Payloads;
use crate::wire::{ReadError, Reader, Writer};

/// How many elements a list makes room for before it has seen them.
pub(super) const PREALLOCATED: usize = 32;

pub(super) type Claims<'a> = Vec<(&'a str, &'a str)>;
pub(super) type Headers<'a> = Vec<(&'a str, Vec<&'a str>)>;

pub(super) fn str<'a>(reader: &mut Reader<'a>) -> Result<&'a str, ReadError> {
    reader.str()
}

pub(super) fn str_or_nil<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>, ReadError> {
    reader.str_or_nil()
}

/// A string that old writers wrote as nil when it was unset.
pub(super) fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, ReadError> {
    reader.str_or_nil().map(Option::unwrap_or_default)
}

pub(super) fn int(reader: &mut Reader<'_>) -> Result<i32, ReadError> {
    reader.i32()
}

pub(super) fn int_or_nil(reader: &mut Reader<'_>) -> Result<Option<i32>, ReadError> {
    if reader.take_nil() {
        Ok(None)
    } else {
        reader.i32().map(Some)
    }
}

pub(super) fn bool(reader: &mut Reader<'_>) -> Result<bool, ReadError> {
    reader.bool()
}

pub(super) fn bin<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], ReadError> {
    reader.bin()
}

pub(super) fn bin_or_nil<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, ReadError> {
    if reader.take_nil() {
        Ok(None)
    } else {
        reader.bin().map(Some)
    }
}

pub(super) fn list<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a str>, ReadError> {
    if reader.take_nil() {
        return Ok(Vec::new());
    }
    let length = reader.array_len()?;
    let mut items = Vec::with_capacity(length.min(PREALLOCATED));
    for _ in 0..length {
        items.push(reader.str()?);
    }
    Ok(items)
}

pub(super) fn claims<'a>(reader: &mut Reader<'a>) -> Result<Claims<'a>, ReadError> {
    map(reader, text)
}

pub(super) fn headers<'a>(reader: &mut Reader<'a>) -> Result<Headers<'a>, ReadError> {
    map(reader, list)
}

pub(super) fn payloads<'a>(reader: &mut Reader<'a>) -> Result<Payloads<'a>, ReadError> {
    map(reader, bin).map(Payloads::from)
}

fn map<'a, V>(
    reader: &mut Reader<'a>,
    value: impl Fn(&mut Reader<'a>) -> Result<V, ReadError>,
) -> Result<Vec<(&'a str, V)>, ReadError> {
    if reader.take_nil() {
        return Ok(Vec::new());
    }
    let length = reader.map_len()?;
    let mut entries = Vec::with_capacity(length.min(PREALLOCATED));
    for _ in 0..length {
        entries.push((reader.str()?, value(reader)?));
    }
    Ok(entries)
}

pub(super) fn write_int_or_nil(w: &mut Writer<'_>, value: Option<i32>) {
    match value {
        Some(value) => w.i64(i64::from(value)),
        None => w.nil(),
    }
}

pub(super) fn write_list(w: &mut Writer<'_>, items: &[&str]) {
    w.array_len(items.len());
    for item in items {
        w.str(item);
    }
}

pub(super) fn write_claims(w: &mut Writer<'_>, claims: &[(&str, &str)]) {
    w.map_len(claims.len());
    for (kind, value) in claims {
        w.str(kind);
        w.str(value);
    }
}

pub(super) fn write_headers(w: &mut Writer<'_>, headers: &[(&str, Vec<&str>)]) {
    w.map_len(headers.len());
    for (name, values) in headers {
        w.str(name);
        write_list(w, values);
    }
}

pub(super) fn write_payloads(w: &mut Writer<'_>, payloads: &Payloads<'_>) {
    w.map_len(payloads.len());
    for (protocol, payload) in payloads.iter() {
        w.str(protocol);
        w.bin(payload);
    }
}

/// How many bytes a string of `length` bytes takes with its header.
pub(super) const fn str_bytes(length: usize) -> usize {
    length
        + match length {
            0..32 => 1,
            32..0x100 => 2,
            0x100..0x1_0000 => 3,
            _ => 5,
        }
}

/// How many bytes a byte string of `length` bytes takes with its header.
pub(super) const fn bin_bytes(length: usize) -> usize {
    length
        + match length {
            0..0x100 => 2,
            0x100..0x1_0000 => 3,
            _ => 5,
        }
}
