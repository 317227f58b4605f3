//! The pages compiled in. They fetch nothing from elsewhere and hold nothing of a workspace.

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:3rem auto;padding:0 1rem;color:#1c1c1c}\
    code,pre{font:14px ui-monospace,monospace;background:#f3f3f1;border-radius:4px}code{padding:.1em .3em}\
    pre{padding:1rem;overflow:auto}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem;\
    border-bottom:1px solid #e2e2de}tr:target{background:#fff3c4}a{color:#0b57d0}\
    @media(prefers-color-scheme:dark){body{background:#161616;color:#e6e6e6}code,pre{background:#262626}\
    td,th{border-color:#333}tr:target{background:#4a3f10}a{color:#8ab4f8}}";

/// The page at `/`: where things are, and a first request.
pub fn landing() -> String {
    page(
        "Rollcall",
        "<h1>Rollcall</h1><p>An open contacts query engine: a write is in the answer to the very next query, totals are exact.</p>\
         <ul><li><a href=\"/docs/\">The API, to read and to try</a></li><li><a href=\"/openapi.json\">The same for programs (OpenAPI 3.1)</a></li>\
         <li><a href=\"/errors\">What each refusal means</a></li><li><a href=\"/health\">Whether the server lives</a>, \
         <a href=\"/ready\">whether it is ready</a></li></ul>\
         <p>A first request, with a token that <code>rollcall token create</code> made:</p>\
         <pre>curl -H \"Authorization: Bearer $TOKEN\" -H \"Content-Type: application/json\" \\\n     \
         -d '{\"search\": \"car\", \"facets\": [\"tags\"]}' http://HOST/v1/contacts/search</pre>",
    )
}

/// The page that the `type` of every refusal leads to. A row is status, word and title.
pub fn errors(rows: impl Iterator<Item = (u16, &'static str, &'static str)>) -> String {
    let lines: String = rows
        .map(|(status, word, title)| {
            format!("<tr id=\"{word}\"><td>{status}</td><td><code>{word}</code></td><td>{title}</td></tr>")
        })
        .collect();
    page(
        "Rollcall: refusals",
        &format!(
            "<h1>Refusals</h1><p>A refusal is a JSON object of the type <code>application/problem+json</code> (RFC 9457). \
             Its <code>code</code> never changes its meaning: one of these words, or a narrower one that <code>detail</code> \
             explains; <code>path</code> and <code>mistakes</code> say where in the request it stands.</p>\
             <table><tr><th>Status</th><th>Code</th><th>Meaning</th></tr>{lines}</table>"
        ),
    )
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><body>{body}</body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_fetch_nothing_from_elsewhere() {
        for page in [landing(), errors([(404, "not_found", "There is no such thing")].into_iter())] {
            for elsewhere in ["src=", "@import", "url(", "href=\"http", "<script", "<link"] {
                assert!(!page.contains(elsewhere), "{elsewhere}");
            }
        }
        assert!(errors([(404, "not_found", "None")].into_iter()).contains("id=\"not_found\""));
    }
}
