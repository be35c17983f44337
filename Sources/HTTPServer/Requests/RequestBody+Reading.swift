// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import NIOCore

extension Request {
    /// The body as a `Value`, checked against its schema first: a member that is not described is refused.
    func decoded<Value: Decodable>(_ type: Value.Type, _ schema: RequestSchema, _ context: APIContext) async throws(APIProblem) -> Value {
        guard let value = try await decodedIfPresent(type, schema, context) else { throw .invalidRequest("the request has no body") }
        return value
    }

    /// The same for a body that may be left out.
    func decodedIfPresent<Value: Decodable>(
        _ type: Value.Type, _ schema: RequestSchema, _ context: APIContext
    ) async throws(APIProblem) -> Value? {
        guard hasBody else { return nil }
        try requireContentType(APIMediaType.json)
        let bytes = try await collected(context)
        if bytes.isEmpty { return nil }
        let value = try strictly { () throws(JSONError) in try JSON.parse(bytes) }
        try schema.check(value)
        return try strictly { () throws(JSONError) in try JSON.decode(type, from: value) }
    }

    /// Refuses a body where none is described.
    func refuseBody() throws(APIProblem) {
        if hasBody { throw .invalidRequest("this request takes no body") }
    }

    func requireContentType(_ expected: String) throws(APIProblem) {
        let given = headers[.contentType] ?? ""
        let type = given.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        guard type == expected else {
            throw APIProblem(
                .unsupportedMediaType, "Content-Type \(quoted(given)) is not \(expected)", remedy: "send Content-Type: \(expected)")
        }
    }

    var hasBody: Bool {
        if headers[.transferEncoding] != nil { return true }
        return headers[.contentLength].map { $0 != "0" } ?? false
    }

    private func strictly<Value>(_ body: () throws(JSONError) -> Value) throws(APIProblem) -> Value {
        do throws(JSONError) { return try body() } catch { throw .invalidRequest("the body: \(error)") }
    }

    private func collected(_ context: APIContext) async throws(APIProblem) -> [UInt8] {
        let tooLarge = APIProblem(.bodyTooLarge, "the body is larger than \(Limits.bodyBytes) bytes")
        if let length = headers[.contentLength].flatMap(Int.init), length > Limits.bodyBytes { throw tooLarge }
        context.connection.expect(within: Limits.arrival)
        defer { context.connection.expect(within: nil) }
        do {
            let buffer = try await body.collect(upTo: Limits.bodyBytes)
            context.connection.hasUnreadBody = false
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch {
            throw .invalidRequest("the body did not arrive whole")
        }
    }
}
