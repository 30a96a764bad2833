//! Where a redirect leads, and what it takes along.
//!
//! The methods change as browsers have it: 303 becomes a `GET`, and so does a `POST` at 301 and 302, without its body; 307
//! and 308 send the same again. Credentials never go to another origin, not even back to the first one after a detour.

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::egress::{Egress, Refusal, Target};
use super::headers;

/// A request that may be sent.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) target: Target,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

impl Outgoing {
    /// The request that a response redirects to; none if it is no redirect, or leads nowhere that could be understood.
    pub(super) fn redirected(
        mut self,
        egress: &Egress,
        status: StatusCode,
        answered: &HeaderMap,
    ) -> Result<Option<Self>, Refusal> {
        let Some(next) = location(self.target.url(), status, answered) else {
            return Ok(None);
        };
        let target = egress
            .check(next)
            .map_err(|refusal| refusal.redirected_by(&self.target.origin()))?;
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            headers::leave_body(&mut self.headers);
        }
        if !target.same_origin(&self.target) {
            headers::leave_origin(&mut self.headers);
        }
        self.target = target;
        Ok(Some(self))
    }
}

fn location(from: &Url, status: StatusCode, answered: &HeaderMap) -> Option<Url> {
    let redirects = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = redirects.then(|| answered.get(LOCATION))??;
    let location = std::str::from_utf8(location.as_bytes()).ok()?;
    from.join(location).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::permission::Scope;

    fn redirected(method: Method, status: u16, to: &str) -> Outgoing {
        let entries = vec!["*".parse().unwrap()];
        let egress = Egress::new(&"stats".parse().unwrap(), Some(&Scope::only(entries)));
        let pairs = [("authorization", "1"), ("content-type", "a/b"), ("x", "y")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = Outgoing {
            target: egress.parse("https://a.example/x/y?z").unwrap(),
            method,
            headers: headers::of_request("stats", &pairs).unwrap(),
            body: Some(Bytes::from_static(b"body")),
        };
        let mut answered = HeaderMap::new();
        answered.insert(LOCATION, to.parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let next = request.redirected(&egress, status, &answered);
        next.ok().unwrap().unwrap()
    }

    #[test]
    fn methods_and_bodies_change_as_browsers_have_it() {
        for (status, before, after) in [
            (301, Method::POST, Method::GET),
            (302, Method::POST, Method::GET),
            (303, Method::POST, Method::GET),
            (303, Method::PUT, Method::GET),
            (303, Method::HEAD, Method::HEAD),
            (301, Method::PUT, Method::PUT),
            (302, Method::DELETE, Method::DELETE),
            (307, Method::POST, Method::POST),
            (308, Method::PATCH, Method::PATCH),
        ] {
            let next = redirected(before.clone(), status, "/next");
            assert_eq!(next.method, after, "{status} {before}");
            let kept = before == after && after != Method::GET;
            assert_eq!(next.body.is_some(), kept, "{status} {before}");
            assert_eq!(next.headers.contains_key("content-type"), kept);
        }
    }

    #[test]
    fn what_is_relative_stays_with_its_origin_and_its_credentials() {
        for (to, url) in [
            ("/next", "https://a.example/next"),
            ("next", "https://a.example/x/next"),
            ("?q", "https://a.example/x/y?q"),
            ("https://A.example:443/n", "https://a.example/n"),
        ] {
            let next = redirected(Method::GET, 302, to);
            assert_eq!(next.target.url().as_str(), url);
            assert!(next.headers.contains_key("authorization"), "{to}");
        }
    }

    #[test]
    fn another_host_or_port_gets_no_credentials() {
        for to in [
            "//b.example/",
            "https://a.example:8443/",
            "https://x.a.example/",
        ] {
            let next = redirected(Method::GET, 307, to);
            let names: Vec<_> = next.headers.keys().map(http::HeaderName::as_str).collect();
            assert_eq!(names, ["content-type"], "{to}");
        }
    }
}
