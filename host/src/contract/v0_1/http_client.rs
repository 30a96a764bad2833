//! `http-client`.

use super::generated::plugin::goatherd::plugin::http_client;
use crate::contract::Error;
use crate::contract::host::{HttpClient, HttpOption, HttpRequest};

impl<V: HttpClient> http_client::Host for V {
    async fn request(
        &mut self,
        request: http_client::HttpRequest,
    ) -> Result<http_client::HttpResponse, Error> {
        let request = HttpRequest {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
            options: request.options.into_iter().map(Into::into).collect(),
        };
        let response = HttpClient::request(self, request).await?;
        Ok(http_client::HttpResponse {
            status: response.status,
            headers: response.headers,
            body: response.body,
        })
    }
}

impl From<http_client::RequestOption> for HttpOption {
    fn from(option: http_client::RequestOption) -> Self {
        match option {
            http_client::RequestOption::TimeoutMs(milliseconds) => Self::TimeoutMs(milliseconds),
            http_client::RequestOption::Redirects(redirects) => Self::Redirects(redirects),
            http_client::RequestOption::Other((name, _)) => Self::Unknown(name),
        }
    }
}
