//! stub
use crate::api::HttpRequest;
use crate::dispatch::Reply;
use crate::world::World;
pub(crate) fn handle(_world: &mut World, _request: &HttpRequest) -> Reply {
    Reply::Silence { delay_ms: None, reset: false }
}
