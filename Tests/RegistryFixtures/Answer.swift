// SPDX-License-Identifier: Apache-2.0

package import NIOSSL

/// What a registry answers to one request, down to the bytes: it may lie, stop or never end.
package struct Answer: Sendable {
    package enum Step: Sendable {
        case send([UInt8])
        /// The same bytes for as long as the client takes them.
        case forever([UInt8])
        /// The same bytes again and again, with a pause between.
        case drip([UInt8], everyMilliseconds: Int64)
        /// Nothing more, and the connection stays open.
        case silence
        /// The connection is reset.
        case reset
        /// The connection ends in an orderly way.
        case end
        /// What comes next on the connection is spoken with TLS, and answered by the script: as through a proxy that was asked to CONNECT.
        case startTLS(NIOSSLContext)
        /// What comes next on the connection is a new conversation.
        case startOver
        /// Waits until the closure returns; it may block.
        case wait(@Sendable () async -> Void)
    }

    package var steps: [Step]

    package init(steps: [Step]) { self.steps = steps }

    /// A status line and headers.
    package static func head(_ status: Int, _ headers: [(String, String)] = [], version: String = "1.1") -> Step {
        .send(Array("HTTP/\(version) \(status) Said\r\n\(headers.map { "\($0): \($1)\r\n" }.joined())\r\n".utf8))
    }

    /// An honest answer.
    package static func ok(_ body: [UInt8], _ headers: [(String, String)] = []) -> Answer { status(200, headers, body) }

    package static func status(_ status: Int, _ headers: [(String, String)] = [], _ body: [UInt8] = []) -> Answer {
        Answer(steps: [head(status, headers + [("Content-Length", "\(body.count)")]), .send(body)])
    }

    package static func manifest(_ bytes: [UInt8], type: String = "application/vnd.oci.image.manifest.v1+json") -> Answer {
        ok(bytes, [("Content-Type", type)])
    }

    package static func redirect(_ location: String, status: Int = 307) -> Answer { .status(status, [("Location", location)]) }

    package static func unauthorized(_ challenge: String) -> Answer { status(401, [("WWW-Authenticate", challenge)]) }

    package static func notFound() -> Answer { status(404) }

    /// A part of a blob as `Range` asks for it.
    package static func part(_ whole: [UInt8], from offset: Int) -> Answer {
        status(206, [("Content-Range", "bytes \(offset)-\(whole.count - 1)/\(whole.count)")], Array(whole[offset...]))
    }

    /// As `ok`, but only so many bytes of the body come, and then the connection is reset.
    package static func cut(_ body: [UInt8], after count: Int) -> Answer {
        Answer(steps: [head(200, [("Content-Length", "\(body.count)")]), .send(Array(body[..<count])), .reset])
    }
}
