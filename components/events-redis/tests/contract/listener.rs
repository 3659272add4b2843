//! Listens to every bell and notes it where the suite looks: the part that a component cannot play.

use events_contract::HEARD;
use redis::{Client, Commands};

/// Listens from now on, on a thread of its own that ends with the server.
pub fn listen(url: &str) -> redis::RedisResult<()> {
    let client = Client::open(url)?;
    let (mut bells, mut notes) = (client.get_connection()?, client.get_connection()?);
    // Subscribed before this function returns: no bell is missed.
    bells.send_packed_command(&redis::cmd("PSUBSCRIBE").arg("bell:*").get_packed_command())?;
    bells.recv_response()?;
    std::thread::spawn(move || {
        loop {
            let Ok(answer) = bells.recv_response() else { return };
            let Some(message) = redis::Msg::from_owned_value(answer) else { continue };
            let payload: String = message.get_payload().unwrap_or_default();
            let heard = match message.get_channel_name().strip_prefix("bell:") {
                Some("fence") | None => payload,
                Some(group) => group.to_owned(),
            };
            if notes.rpush::<_, _, ()>(HEARD, heard).is_err() {
                return;
            }
        }
    });
    Ok(())
}
