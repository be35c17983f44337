// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Why a registry did not give what was asked. Texts of the server are bounded and without control bytes.
package enum RegistryError: Error, Sendable, Hashable {
    case unauthorized(registry: String, what: String, status: Int)
    case notFound(what: String, registry: String)
    case refused(what: String, registry: String, status: Int, words: String)
    case unavailable(what: String, registry: String, reason: String)
    case tooLarge(what: String, limit: Int)
    case wrongDigest(what: String, expected: Digest, got: Digest)
    case badAnswer(what: String, reason: String)
    case badRedirect(what: String, reason: String)
}

extension RegistryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unauthorized(let registry, let what, let status): "\(registry) refused access to \(what) (HTTP \(status))"
        case .notFound(let what, let registry): "\(registry) has no \(what)"
        case .refused(let what, let registry, let status, let words):
            "\(registry) answered HTTP \(status) for \(what)\(words.isEmpty ? "" : ": \(words)")"
        case .unavailable(let what, let registry, let reason): "\(registry) could not be asked for \(what): \(reason)"
        case .tooLarge(let what, let limit): "\(what) is larger than \(limit) bytes"
        case .wrongDigest(let what, let expected, let got): "\(what): digest \(expected) was expected, the bytes have \(got)"
        case .badAnswer(let what, let reason), .badRedirect(let what, let reason): "\(what): \(reason)"
        }
    }

    package var remedy: String? {
        switch self {
        case .unauthorized(let registry, _, _): "`ctr-swift login \(registry)`, or check that the name is right"
        case .notFound: "check name, tag and digest"
        case .unavailable: "check the registry's address and the network; for a registry without TLS set `plain-http` in the configuration"
        case .wrongDigest: "the registry or a cache in between holds damaged bytes: nothing was kept"
        default: nil
        }
    }
}
