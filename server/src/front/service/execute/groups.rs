//! Groups: changes and questions.

use std::time::{Duration, Instant};

use heliograph_protocol::service::{AckStatus, Extensions, GroupMember, GroupMembers, Message};
use heliograph_relay::Joined;

use super::Session;

/// A question for the members of a group.
struct MemberQuery<'a> {
    group: &'a str,
    top: Option<i32>,
    after: Option<&'a str>,
    max_page_size: Option<i32>,
}

impl Session {
    pub(super) fn change_group(&self, message: &Message<'_>) {
        let hub = self.group_hub();
        match message {
            Message::JoinGroup {
                connection_id,
                group,
                ..
            } => {
                hub.join(connection_id, group);
            }
            Message::LeaveGroup {
                connection_id,
                group,
                ..
            } => {
                hub.leave(connection_id, *group);
            }
            Message::JoinGroupWithAck {
                connection_id,
                group,
                ack_id,
                ..
            } => {
                let joined = self.join(&hub, connection_id, group);
                self.ack(*ack_id, status(joined));
            }
            Message::LeaveGroupWithAck {
                connection_id,
                group,
                ack_id,
                ..
            } => {
                self.ack(*ack_id, status(hub.leave(connection_id, *group)));
            }
            Message::UserJoinGroup {
                user_id,
                group,
                extensions,
            } => {
                hub.user_join(user_id, group, ttl(extensions), Instant::now());
            }
            Message::UserLeaveGroup { user_id, group, .. } => hub.user_leave(user_id, *group),
            Message::UserJoinGroupWithAck {
                user_id,
                group,
                ack_id,
                extensions,
            } => {
                hub.user_join(user_id, group, ttl(extensions), Instant::now());
                self.ack(*ack_id, AckStatus::Ok);
            }
            Message::UserLeaveGroupWithAck {
                user_id,
                group,
                ack_id,
                ..
            } => {
                hub.user_leave(user_id, *group);
                self.ack(*ack_id, AckStatus::Ok);
            }
            _ => {}
        }
    }

    pub(super) fn question(&self, message: &Message<'_>) {
        let hub = self.hub();
        let (ack_id, yes) = match message {
            Message::CheckUserInGroupWithAck {
                user_id,
                group,
                ack_id,
                ..
            } => (ack_id, hub.user_in_group(user_id, group, Instant::now())),
            Message::CheckGroupExistenceWithAck { group, ack_id, .. } => {
                (ack_id, hub.group_exists(group))
            }
            Message::CheckConnectionExistenceWithAck {
                connection_id,
                ack_id,
                ..
            } => (ack_id, hub.connection(connection_id).is_some()),
            Message::CheckUserExistenceWithAck {
                user_id, ack_id, ..
            } => (ack_id, hub.user_exists(user_id)),
            Message::GroupMemberQuery {
                group,
                ack_id,
                top,
                continuation_token,
                max_page_size,
                ..
            } => {
                let query = MemberQuery {
                    group,
                    top: *top,
                    after: *continuation_token,
                    max_page_size: *max_page_size,
                };
                return self.members(&query, *ack_id);
            }
            _ => return,
        };
        self.ack(
            *ack_id,
            if yes {
                AckStatus::Ok
            } else {
                AckStatus::NotFound
            },
        );
    }

    /// Answers with a page of members in the order of their ids; the token is the last id.
    fn members(&self, query: &MemberQuery<'_>, ack_id: i32) {
        let limit = |asked: Option<i32>| {
            asked.map_or(usize::MAX, |number| {
                usize::try_from(number).unwrap_or_default()
            })
        };
        let top = limit(query.top);
        let page_size = limit(query.max_page_size).clamp(1, self.door.options.max_members_per_page);
        let mut clients = self.hub().group_members(query.group);
        clients.retain(|client| query.after.is_none_or(|after| client.id().as_str() > after));
        clients.sort_unstable_by(|one, other| one.id().cmp(other.id()));
        let more = clients.len() > page_size && top > page_size;
        clients.truncate(page_size.min(top));
        let members = clients.iter().map(|client| GroupMember {
            connection_id: client.id().as_str(),
            user_id: client.user(),
        });
        let page = GroupMembers {
            members: members.collect(),
            continuation_token: clients
                .last()
                .filter(|_| more)
                .map(|last| last.id().as_str()),
        };
        let mut payload = Vec::new();
        page.write(&mut payload);
        self.send(&Message::Ack {
            ack_id,
            status: AckStatus::Ok,
            message: "",
            payload: Some(&payload),
        });
    }
}

fn status(joined: Joined) -> AckStatus {
    match joined {
        Joined::Ok => AckStatus::Ok,
        Joined::NotFound => AckStatus::NotFound,
    }
}

fn ttl(extensions: &Extensions<'_>) -> Option<Duration> {
    let seconds = extensions.ttl?;
    Some(Duration::from_secs(
        u64::try_from(seconds).unwrap_or_default(),
    ))
}
