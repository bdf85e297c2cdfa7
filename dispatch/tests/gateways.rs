//! The gateways against programs that others wrote: an SMTP server, an MQTT broker, a CAP
//! validator, and small HTTP servers that misbehave on purpose.

#[cfg(test)]
#[path = "gateways/apns.rs"]
mod apns;
#[cfg(test)]
#[path = "gateways/area.rs"]
mod area;
#[cfg(test)]
#[path = "gateways/cap_documents.rs"]
mod cap_documents;
#[cfg(test)]
#[path = "gateways/cap_foreign.rs"]
mod cap_foreign;
#[cfg(test)]
#[path = "gateways/cap_signed.rs"]
mod cap_signed;
#[cfg(test)]
#[path = "gateways/cell.rs"]
mod cell;
#[cfg(test)]
#[path = "gateways/devices.rs"]
mod devices;
#[cfg(test)]
#[path = "gateways/email.rs"]
mod email;
#[cfg(test)]
#[path = "gateways/emergency.rs"]
mod emergency;
#[path = "gateways/fetched.rs"]
mod fetched;
#[cfg(test)]
#[path = "gateways/loudspeaker.rs"]
mod loudspeaker;
#[cfg(test)]
#[path = "peers/node.rs"]
mod node;
#[cfg(test)]
#[path = "gateways/peers.rs"]
mod peers;
#[cfg(test)]
#[path = "gateways/platform.rs"]
mod platform;
#[cfg(test)]
#[path = "gateways/poll.rs"]
mod poll;
#[cfg(test)]
#[path = "gateways/push_services.rs"]
mod push_services;
#[cfg(test)]
#[path = "gateways/server.rs"]
mod server;
#[cfg(test)]
#[path = "peers/sipp.rs"]
mod sipp;
#[cfg(test)]
#[path = "gateways/topics.rs"]
mod topics;
#[cfg(test)]
#[path = "gateways/voice.rs"]
mod voice;
#[cfg(test)]
#[path = "gateways/web_push.rs"]
mod web_push;
#[cfg(test)]
#[path = "gateways/webhook.rs"]
mod webhook;
