import HTTPTypes
import Pipelines
import Support

/// Something that the server answers. The router, the checks of members' names and the OpenAPI document all read the one table
/// of these.
struct Route: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// What a route needs to be answered.
    struct Call: Sendable {
        let routes: Routes
        let model: ServedModel
        let fields: RequestFields
    }

    let method: Method
    /// The usual path first.
    let paths: [String]
    /// Its name in the document.
    let name: String
    let summary: String
    /// Whether it is a model's, so that `/models/NAME` may stand before its paths.
    var isModels = true
    /// Whether it needs no token.
    var isOpen = false
    var type = "application/json"
    /// Whether errors are OpenAI's.
    var isOpenAI = false
    /// Whether the member `model` of its body may name another model.
    var takesName = false
    /// Whether a model can do this.
    var isFor: @Sendable (InferenceModel) -> Bool = { _ in true }
    /// The schema of the body.
    var request: @Sendable (Routes, ServedModel) -> JSONValue = { _, _ in Schema.object([:]) }
    /// The schema of the answer.
    var response: @Sendable (Routes, ServedModel) -> JSONValue = { _, _ in Schema.text }
    let answer: @Sendable (Call) async throws -> Reply

    /// The statuses beside 200, as far as the route's own work gives them.
    var statuses: [Int] {
        switch method {
        case .get: isOpen ? [405] : [401, 404, 405]
        case .post: [400, 401, 404, 405, 408, 413, 415, 422, 424, 429, 503]
        }
    }
}
