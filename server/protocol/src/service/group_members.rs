//! What acks to questions carry as payload (sections 4.4 and 8.6).

use super::fields;
use crate::wire::{ReadError, Reader, Writer};

/// A page of group members, `[[[connectionId, userId?]…], continuationToken?]`: the payload of the
/// ack to a [`GroupMemberQuery`](super::Message::GroupMemberQuery).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupMembers<'a> {
    /// The members on this page.
    pub members: Vec<GroupMember<'a>>,
    /// Where the next page starts; `None` on the last.
    pub continuation_token: Option<&'a str>,
}

/// A connection in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupMember<'a> {
    /// Id of the connection.
    pub connection_id: &'a str,
    /// Its user, if it has one.
    pub user_id: Option<&'a str>,
}

impl<'a> GroupMembers<'a> {
    /// Appends the page, without a length prefix.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.array_len(2);
        w.array_len(self.members.len());
        for member in &self.members {
            w.array_len(2);
            w.str(member.connection_id);
            w.str_or_nil(member.user_id);
        }
        w.str_or_nil(self.continuation_token);
    }

    /// Reads a page; surplus elements are ignored.
    ///
    /// # Errors
    ///
    /// When the payload is not of that form.
    pub fn read(payload: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(payload);
        let elements = reader.array_len()?;
        if elements == 0 {
            return Ok(Self::default());
        }
        let length = reader.array_len()?;
        let mut members = Vec::with_capacity(length.min(fields::PREALLOCATED));
        for _ in 0..length {
            let elements = reader.array_len()?;
            let connection_id = reader.str()?;
            let user_id = if elements > 1 {
                reader.str_or_nil()?
            } else {
                None
            };
            for _ in 2..elements {
                reader.skip()?;
            }
            members.push(GroupMember {
                connection_id,
                user_id,
            });
        }
        let continuation_token = if elements > 1 {
            reader.str_or_nil()?
        } else {
            None
        };
        Ok(Self {
            members,
            continuation_token,
        })
    }
}

/// Appends the payload of the ack to a [`RefreshAuth`](super::Message::RefreshAuth) or
/// [`GetConnectionClaims`](super::Message::GetConnectionClaims): the connection's claims, or nil.
pub fn write_connection_claims(claims: Option<&[(&str, &str)]>, out: &mut Vec<u8>) {
    let mut w = Writer::new(out);
    match claims {
        Some(claims) => fields::write_claims(&mut w, claims),
        None => w.nil(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_the_golden_bytes() {
        let page = GroupMembers {
            members: vec![
                GroupMember {
                    connection_id: "c1",
                    user_id: Some("alice"),
                },
                GroupMember {
                    connection_id: "c2",
                    user_id: None,
                },
            ],
            continuation_token: Some("next"),
        };
        let golden = b"\x92\x92\x92\xa2c1\xa5alice\x92\xa2c2\xc0\xa4next";
        let mut out = Vec::new();
        page.write(&mut out);
        assert_eq!(out, golden);
        assert_eq!(GroupMembers::read(golden), Ok(page));
        for cut in 0..golden.len() {
            assert!(GroupMembers::read(&golden[..cut]).is_err());
        }
    }

    #[test]
    fn last_empty_page_is_a_list_and_nil() {
        let mut out = Vec::new();
        GroupMembers::default().write(&mut out);
        assert_eq!(out, [0x92, 0x90, 0xc0]);
        assert_eq!(GroupMembers::read(&out), Ok(GroupMembers::default()));
    }

    #[test]
    fn claims_repeat_their_types_and_may_be_nil() {
        let mut out = Vec::new();
        write_connection_claims(Some(&[("a", "1"), ("a", "2")]), &mut out);
        assert_eq!(out, b"\x82\xa1a\xa11\xa1a\xa12");
        out.clear();
        write_connection_claims(None, &mut out);
        assert_eq!(out, [0xc0]);
    }
}
