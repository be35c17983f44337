// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Engine
internal import HTTPTypes

/// Why a request is refused. The one place where codes become HTTP statuses; docs/api/openapi.yaml has the same table.
struct APIProblem: Error, Sendable {
    /// A problem's name on the socket: the engine's codes, and the server's own.
    struct Code: Sendable, Hashable {
        let name: String
        let status: HTTPResponse.Status
        let title: String

        static let invalidRequest = Code(.invalidRequest)
        static let permissionDenied = Code(name: "permission-denied", status: .forbidden, title: "You may not use this daemon")
        static let notFound = Code(name: "not-found", status: .notFound, title: "No such path")
        static let methodNotAllowed = Code(name: "method-not-allowed", status: .methodNotAllowed, title: "Not with this method")
        static let bodyTooLarge = Code(name: "body-too-large", status: .contentTooLarge, title: "The body is too large")
        static let unsupportedMediaType = Code(
            name: "unsupported-media-type", status: .unsupportedMediaType, title: "The body is of another type than expected")
        static let shuttingDown = Code(name: "shutting-down", status: .serviceUnavailable, title: "The daemon is being stopped")

        private init(name: String, status: HTTPResponse.Status, title: String) {
            self.name = name
            self.status = status
            self.title = title
        }

        /// A code that is not known here is the engine's newest: still told by name, as an internal error.
        init(_ code: EngineError.Code) {
            let (status, title) = Self.table[code] ?? (.internalServerError, "Something else failed")
            self.init(name: code.rawValue, status: status, title: title)
        }

        private static let table: [EngineError.Code: (HTTPResponse.Status, String)] = [
            .invalidRequest: (.badRequest, "The request is not as described"),
            .registryUnauthorized: (.forbidden, "The registry did not accept the credentials"),
            .imageNotFound: (.notFound, "No such image"),
            .containerNotFound: (.notFound, "No such container"),
            .manifestUnknown: (.notFound, "The registry does not have it"),
            .pathNotFound: (.notFound, "No such path in the container"),
            .layerNotFound: (.notFound, "No such layer"),
            .layerDamaged: (.conflict, "A layer of the image is damaged"),
            .conflict: (.conflict, "The state of things does not allow it"),
            .inUse: (.conflict, "It is in use"),
            .unsupported: (.unprocessableContent, "Not to be had on this node"),
            .containerStartFailed: (.unprocessableContent, "The container did not start"),
            .execFailed: (.unprocessableContent, "The process did not start"),
            .tooManyLayers: (.unprocessableContent, "Too many layers"),
            .noMatchingPlatform: (.unprocessableContent, "Not for this platform"),
            .invalidImage: (.unprocessableContent, "The image can't be used"),
            .digestMismatch: (.unprocessableContent, "The bytes are not the ones asked for"),
            .registryUnavailable: (.badGateway, "The registry can't be reached"),
            .cancelled: (.serviceUnavailable, "It was called off"),
            .noSpace: (HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage"), "Not enough space"),
            .internal: (.internalServerError, "Something else failed"),
        ]
    }

    let code: Code
    let detail: String
    let remedy: String?
    let exitCode: Int?
    /// For `method-not-allowed`: the methods that are.
    let allowed: String?

    init(_ code: Code, _ detail: String, remedy: String? = nil, allowed: String? = nil) {
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.allowed = allowed
        exitCode = nil
    }

    init(_ error: EngineError) {
        code = Code(error.code)
        detail = error.message
        remedy = error.remedy
        exitCode = error.exitCode
        allowed = nil
    }

    /// Any error of a handler; those that are nobody's refusal are internal.
    init(any error: any Error) {
        switch error {
        case let problem as APIProblem: self = problem
        case let error as EngineError: self.init(error)
        case is CancellationError: self.init(Code(.cancelled), "the request was called off")
        default: self.init(Code(.internal), String(describing: error))
        }
    }

    static func invalidRequest(_ detail: String, remedy: String? = nil) -> APIProblem {
        APIProblem(.invalidRequest, detail, remedy: remedy)
    }

    /// As it crosses the socket.
    var problem: Problem {
        Problem(status: code.status.code, code: code.name, title: code.title, detail: detail, remedy: remedy, exitCode: exitCode)
    }
}
