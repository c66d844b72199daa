//! Reading the configuration again, at SIGHUP: found sound as a whole first, then gone by, without
//! a connection dropped but for those whose rights became others. What cannot be changed while it
//! runs is said.

use crate::cli::Options;
use crate::config::Config;
use crate::serve::Handle;

/// Reads what `options` mean now, and goes by it.
///
/// # Errors
///
/// When it is not sound: then nothing changed.
pub fn reload(options: &Options, before: &mut Config, server: &Handle) -> anyhow::Result<()> {
    let now = Config::resolve(options)?;
    server.reload(&now)?;
    for (name, same) in [
        ("bind", before.bind == now.bind),
        ("port", before.port == now.port),
        ("base_path", before.base == now.base),
        ("state", before.state == now.state),
        ("users", before.users == now.users),
        ("tls_cert", before.tls == now.tls),
        ("limits", before.limits == now.limits),
        ("sources", before.named() == now.named()),
    ] {
        if !same {
            tracing::warn!("`{name}` changed in the configuration; it takes a restart");
        }
    }
    tracing::info!("the configuration was read again");
    *before = now;
    Ok(())
}
