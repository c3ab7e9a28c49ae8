import Support

/// The pages that the server has for browsers; each is complete in itself.
enum Page {
    /// A page to try the models by hand.
    static let start = String(decoding: PackageResources.start_html, as: UTF8.self)
    /// The routes, as the OpenAPI document has them.
    static let documentation = String(decoding: PackageResources.docs_html, as: UTF8.self)
    /// What a page may load and who may show it: nothing but itself.
    static let policy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
