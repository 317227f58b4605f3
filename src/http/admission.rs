//! What a request passes before its handler: it is observed, has its time and, under `/v1`, its token, the token's rate, its
//! idempotency key. All in one layer: each layer takes about as long as a count.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::auth::{self, Caller, Within};
use super::observe::observed;
use super::{idempotency, limits};

/// Lets a request in that has a good token, which does not call too often, and answers it in time.
pub async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let handled = async |request| match idempotency::noted(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let answer = async |request| limits::in_time(&app, admitted(&app, request, handled)).await;
    observed(&app, request, answer).await
}

/// The same for an upload, which may take its time, may be sent again as it is, and is too large to be kept for comparison.
pub async fn admit_upload(State(app): State<App>, request: Request, next: Next) -> Response {
    let handled = async |request| next.run(request).await;
    observed(&app, request, async |request| admitted(&app, request, handled).await).await
}

/// A request that needs no token: in time, that is all.
pub async fn admit_anyone(State(app): State<App>, request: Request, next: Next) -> Response {
    observed(&app, request, async |request| limits::in_time(&app, next.run(request)).await).await
}

async fn admitted(app: &App, mut request: Request, handle: impl AsyncFnOnce(Request) -> Response) -> Response {
    let caller = match auth::bearer(request.headers()) {
        Ok(secret) => auth::actor(app, secret).await.map(|actor| (actor, app.rate().take(secret))),
        Err(problem) => Err(problem),
    };
    let (actor, allowance) = match caller {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let within = Within(actor.workspace);
    let mut response = match allowance.refusal() {
        Some(problem) => problem.into_response(),
        None => {
            request.extensions_mut().insert(Caller(actor));
            handle(request).await
        }
    };
    allowance.mark(response.headers_mut());
    response.extensions_mut().insert(within);
    response
}
