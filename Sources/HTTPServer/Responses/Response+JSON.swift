// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import NIOCore

extension Response {
    /// - Throws: `internal` for a value that JSON can't hold; the engine makes none.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws(APIProblem) -> Response {
        do throws(JSONError) {
            return Response(bytes: try JSON.encode(value), type: APIMediaType.json, status: status)
        } catch {
            throw APIProblem(any: error)
        }
    }

    static var noContent: Response { Response(status: .noContent) }

    init(bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok) {
        self.init(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    init(_ problem: APIProblem) {
        self.init(bytes: problem.bytes, type: APIMediaType.problem, status: problem.code.status)
        if let allowed = problem.allowed { headers[.allow] = allowed }
    }
}

extension APIProblem {
    /// As JSON.
    var bytes: [UInt8] {
        // A problem is strings and numbers: it can always be encoded.
        (try? JSON.encode(problem)) ?? []
    }
}
