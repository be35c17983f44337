// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import SystemPackage

/// Why an exchange with the daemon did not come to an answer. An answer with an error status is not one of these.
package enum HTTPError: Error, Sendable, Hashable {
    /// The socket could not be reached at all.
    case unreachable(socket: String, KernelError)
    /// A read or write on an open connection failed.
    case kernel(KernelError)
    /// The other side closed before the message was whole.
    case closed(while: String)
    /// The bytes are not HTTP/1.1 as RFC 9112 writes it.
    case malformed(String)
    /// Longer than this client takes.
    case tooLong(String, limit: Int)

    /// The other side has gone, or will not listen: what it said before may still be read.
    var meansClosed: Bool {
        guard case .kernel(let error) = self else { return false }
        return error.errno == .brokenPipe || error.errno == .connectionReset
    }
}

extension HTTPError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let socket, let error): "can't reach the daemon at \"\(socket)\": \(error.call): \(error.errno)"
        case .kernel(let error): "\(error)"
        case .closed(let moment): "the daemon closed the connection while \(moment)"
        case .malformed(let what): "the daemon's answer is not HTTP: \(what)"
        case .tooLong(let what, let limit): "the daemon's answer has \(what) longer than \(limit) bytes"
        }
    }
}
