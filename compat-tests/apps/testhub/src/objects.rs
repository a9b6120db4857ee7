//! Objects as .NET writes them: names in camel case in JSON, in Pascal case in MessagePack.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::values::{Any, Bytes, Packed};

/// The object of `EchoComplexObject`.
#[derive(Clone, Debug)]
pub(crate) struct Complex(Fields);

#[derive(Clone, Debug)]
struct Fields {
    string: Option<String>,
    int_array: Option<Vec<i32>>,
    byte_array: Option<Bytes>,
    guid: Option<String>,
    date_time: Option<Any>,
    inner: Option<Box<Complex>>,
}

/// Declares the object's fields under the names of one encoding.
macro_rules! named {
    ($name:ident, $case:literal) => {
        #[derive(Deserialize, Serialize)]
        #[serde(rename_all = $case)]
        struct $name {
            string: Option<String>,
            int_array: Option<Vec<i32>>,
            byte_array: Option<Bytes>,
            guid: Option<String>,
            date_time: Option<Any>,
            inner: Option<Box<Complex>>,
        }

        impl From<$name> for Complex {
            fn from(named: $name) -> Self {
                Self(Fields {
                    string: named.string,
                    int_array: named.int_array,
                    byte_array: named.byte_array,
                    guid: named.guid,
                    date_time: named.date_time,
                    inner: named.inner,
                })
            }
        }

        impl From<Complex> for $name {
            fn from(Complex(fields): Complex) -> Self {
                Self {
                    string: fields.string,
                    int_array: fields.int_array,
                    byte_array: fields.byte_array,
                    guid: fields.guid,
                    date_time: fields.date_time,
                    inner: fields.inner,
                }
            }
        }
    };
}

named!(Camel, "camelCase");
named!(Pascal, "PascalCase");

const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";
/// The first moment of the year 1 as a timestamp of twelve bytes.
const NO_TIME: [u8; 12] = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xf1, 0x88, 0x6e, 0x09, 0];

impl<'de> Deserialize<'de> for Complex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        let mut complex: Self = if readable {
            Camel::deserialize(deserializer)?.into()
        } else {
            Pascal::deserialize(deserializer)?.into()
        };
        let fields = &mut complex.0;
        fields.guid.get_or_insert_with(|| NO_GUID.to_owned());
        if fields.date_time.is_none() {
            fields.date_time = Some(if readable {
                let text = RawValue::from_string("\"0001-01-01T00:00:00\"".to_owned());
                Any::Json(text.map_err(de::Error::custom)?)
            } else {
                Any::MessagePack(Packed::Extension(-1, NO_TIME.to_vec()))
            });
        }
        Ok(complex)
    }
}

impl Serialize for Complex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Camel::from(self.clone()).serialize(serializer)
        } else {
            Pascal::from(self.clone()).serialize(serializer)
        }
    }
}

/// What a hub can see of its caller.
#[derive(Clone, Debug)]
pub(crate) struct WhoAmI {
    pub(crate) connection_id: String,
    pub(crate) user_id: Option<String>,
    pub(crate) authenticated: bool,
    pub(crate) authentication_type: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) claims: Vec<[String; 2]>,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<String>)>,
    pub(crate) remote_ip: Option<String>,
    pub(crate) transport: Option<String>,
    pub(crate) features: Vec<String>,
}

impl Serialize for WhoAmI {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let readable = serializer.is_human_readable();
        let name = |pascal: &str| {
            let mut name = pascal.to_owned();
            if readable && let Some(first) = name.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            name
        };
        let mut map = serializer.serialize_map(Some(12))?;
        map.serialize_entry(&name("ConnectionId"), &self.connection_id)?;
        map.serialize_entry(&name("UserId"), &self.user_id)?;
        map.serialize_entry(&name("Authenticated"), &self.authenticated)?;
        map.serialize_entry(&name("AuthenticationType"), &self.authentication_type)?;
        map.serialize_entry(&name("Name"), &self.name)?;
        map.serialize_entry(&name("Claims"), &self.claims)?;
        map.serialize_entry(&name("Path"), &self.path)?;
        map.serialize_entry(&name("Query"), &self.query)?;
        let headers = self.headers.iter().map(|(name, values)| (name, values));
        map.serialize_entry(
            &name("Headers"),
            &headers.collect::<std::collections::BTreeMap<_, _>>(),
        )?;
        map.serialize_entry(&name("RemoteIp"), &self.remote_ip)?;
        map.serialize_entry(&name("Transport"), &self.transport)?;
        map.serialize_entry(&name("Features"), &self.features)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_names_and_defaults_of_their_encoding() {
        let complex: Complex = serde_json::from_str(r#"{"byteArray":"AQI="}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&complex).unwrap(),
            r#"{"string":null,"intArray":null,"byteArray":"AQI=","guid":"00000000-0000-0000-0000-000000000000","dateTime":"0001-01-01T00:00:00","inner":null}"#
        );
        let complex: Complex = rmp_serde::from_slice(b"\x81\xa6String\xa1P").unwrap();
        let mut bytes = Vec::new();
        complex
            .serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map())
            .unwrap();
        assert!(
            bytes.starts_with(b"\x86\xa6String\xa1P\xa8IntArray\xc0"),
            "{bytes:x?}"
        );
    }
}
