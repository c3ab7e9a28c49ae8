import HTTPTypes
import Pipelines
import Support

/// A refusal with its status and text-embeddings-inference's name for its kind.
struct ServerError: Error {
    enum Kind: String, Sendable, CaseIterable {
        case unhealthy = "Unhealthy"
        case backend = "Backend"
        case overloaded = "Overloaded"
        case validation = "Validation"
        case tokenizer = "Tokenizer"
        case empty = "Empty"
    }

    let status: HTTPResponse.Status
    let kind: Kind
    let message: String
    var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, _ kind: Kind, _ message: String) {
        (self.status, self.kind, self.message) = (status, kind, message)
    }

    /// What a client is told of an error of the libraries.
    init(_ error: any Error) {
        switch error {
        case let error as ServerError: self = error
        case let error as InferenceError:
            switch error.kind {
            case .overloaded:
                self.init(.tooManyRequests, .overloaded, error.description)
                headers[.retryAfter] = "1"
            case .invalidInput: self.init(.contentTooLarge, .validation, error.description)
            case .tokenizer: self.init(.unprocessableContent, .tokenizer, error.description)
            case .wrongTask, .failed:
                self.init(
                    HTTPResponse.Status(code: 424, reasonPhrase: "Failed Dependency"), .backend,
                    error.description)
            }
        case is CancellationError:
            self.init(.serviceUnavailable, .unhealthy, "the request was cancelled")
        default: self.init(.internalServerError, .backend, "internal error")
        }
    }

    /// The body: text-embeddings-inference's, or with `message` and `error` as OpenAI's clients expect them.
    func body(isOpenAI: Bool) -> JSONValue {
        guard isOpenAI else {
            return .object([("error", .string(message)), ("error_type", .string(kind.rawValue))])
        }
        let error: [(String, JSONValue)] = [
            ("message", .string(message)), ("type", .string(kind.rawValue)), ("param", .null),
            ("code", .integer(status.code)),
        ]
        return .object([
            ("error", .object(error)), ("message", .string(message)), ("code", .integer(status.code)),
            ("error_type", .string(kind.rawValue)),
        ])
    }
}
