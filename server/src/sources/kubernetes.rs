//! What a container's log is called by those who deploy it, out of the file names that a kubelet
//! gives: `NAMESPACE/POD/CONTAINER`.
//!
//! `/var/log/containers` has links named `POD_NAMESPACE_CONTAINER-ID.log`, `/var/log/pods` has folders
//! named `NAMESPACE_POD_UID`. Neither of the parts can hold an underscore, so nothing else is taken for
//! one. Looks at names alone.

/// Digits of a container's id.
const ID: usize = 64;

/// The name of the log at `relative`, if a kubelet named it.
pub(super) fn name(relative: &str) -> Option<String> {
    let (folders, file) = relative.rsplit_once('/').unwrap_or(("", relative));
    link(file)
        .map(|name| if folders.is_empty() { name.clone() } else { format!("{folders}/{name}") })
        .or_else(|| pod(folders, file))
}

/// `POD_NAMESPACE_CONTAINER-ID.log`
fn link(file: &str) -> Option<String> {
    let (rest, id) = file.strip_suffix(".log")?.rsplit_once('-')?;
    let hex = id.len() == ID && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = rest.split('_');
    let (pod, space, container) = (parts.next()?, parts.next()?, parts.next()?);
    let sound = hex && parts.next().is_none() && [pod, space, container].iter().all(|p| is_name(p));
    sound.then(|| format!("{space}/{pod}/{container}"))
}

/// `NAMESPACE_POD_UID/CONTAINER/0.log`: the number is that of the restart, and another log.
fn pod(folders: &str, file: &str) -> Option<String> {
    let (above, container) = folders.rsplit_once('/')?;
    let (before, pod) = above.rsplit_once('/').map_or((None, above), |(b, pod)| (Some(b), pod));
    let mut parts = pod.split('_');
    let (space, pod, uid) = (parts.next()?, parts.next()?, parts.next()?);
    let restart = file.strip_suffix(".log")?;
    let uid = uid.len() >= 32 && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let number = !restart.is_empty() && restart.bytes().all(|b| b.is_ascii_digit());
    let names = [space, pod, container].iter().all(|part| is_name(part));
    let sound = uid && number && names && parts.next().is_none();
    let name = format!("{space}/{pod}/{container}/{file}");
    sound.then(|| before.map_or(name.clone(), |before| format!("{before}/{name}")))
}

/// Whether Kubernetes could have named something so.
fn is_name(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    !part.is_empty() && part.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kubelet_named_is_told_apart() {
        let id = "0123456789abcdef".repeat(4);
        let uid = "01234567-89ab-cdef-0123-456789abcdef";
        for (relative, expected) in [
            (format!("api-7d4b9-x_shop_server-{id}.log"), Some("shop/api-7d4b9-x/server")),
            (format!("sub/a_b_c-{id}.log"), Some("sub/b/a/c")),
            (format!("shop_api-7d4b9-x_{uid}/server/0.log"), Some("shop/api-7d4b9-x/server/0.log")),
            (
                format!("kube-system_etcd-n_{}/etcd/3.log", "a".repeat(32)),
                Some("kube-system/etcd-n/etcd/3.log"),
            ),
            (format!("a_b-{id}.log"), None),
            (format!("a_b_c-{id}"), None),
            (format!("a_B_c-{id}.log"), None),
            ("a_b_c-0123.log".to_owned(), None),
            (format!("a_b_{uid}/0.log"), None),
            (format!("a_b_{uid}/c/x.log"), None),
            ("nginx/access.log".to_owned(), None),
        ] {
            assert_eq!(name(&relative).as_deref(), expected, "{relative}");
        }
    }
}
