// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import OCI
internal import SystemPackage

/// How long a registry is waited for, and how often it is asked again.
package struct RegistryTiming: Sendable {
    package var connect: Duration = .seconds(15)
    /// Without a byte for so long, or with less than 1 KiB a second over it, a connection is given up.
    package var stall: Duration = .seconds(60)
    /// How often one thing is asked for.
    package var attempts = 5
    /// Before the second attempt; doubled for each further one.
    package var firstPause: Duration = .milliseconds(400)
    /// What a registry may ask for with `Retry-After`, at most.
    package var longestPause: Duration = .seconds(30)

    package init() {}
}

/// The clocks of the node; tests bring their own.
package struct RegistryClock: Sendable {
    /// Since 1970: what dates in headers are compared with.
    package var unixSeconds: @Sendable () -> Int64
    package var now: @Sendable () -> ContinuousClock.Instant
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        unixSeconds: @escaping @Sendable () -> Int64, now: @escaping @Sendable () -> ContinuousClock.Instant,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.unixSeconds = unixSeconds
        self.now = now
        self.sleep = sleep
    }

    package static var real: RegistryClock {
        RegistryClock(unixSeconds: { wallClock().seconds }, now: { .now }, sleep: { try await Task.sleep(for: $0) })
    }
}

/// A failure that may pass: the request is made again.
struct PassingFailure: Error {
    var reason: String
    /// What the registry asked to wait.
    var pause: Duration?

    init(_ reason: String, pause: Duration? = nil) {
        self.reason = reason
        self.pause = pause
    }

    /// HTTP 408, 429 or 5xx; nil for another status.
    init?(_ response: HTTPClientResponse, _ clock: RegistryClock) {
        switch response.status.code {
        case 408, 429, 500...599: break
        default: return nil
        }
        let asked = response.headers.first(name: "Retry-After").flatMap { Self.seconds($0, clock.unixSeconds()) }
        self.init("HTTP \(response.status.code)", pause: asked.map { .seconds($0) })
    }

    /// - Throws: the error, where another attempt would end the same way.
    init(_ error: any Error, what: String, registry: String) throws {
        if Task.isCancelled { throw CancellationError() }
        switch error {
        case let error as PassingFailure: self = error
        case is RegistryError, is CancellationError: throw error
        case HTTPParserError.invalidEOFState: self.init("the connection ended early")
        case let error as HTTPParserError: throw RegistryError.badAnswer(what: what, reason: "it is no HTTP: \(printable("\(error)"))")
        case let error as HTTPClientError where error == .proxyAuthenticationRequired:
            throw RegistryError.unavailable(what: what, registry: registry, reason: "the proxy wants another password")
        case NIOSSLError.uncleanShutdown: self.init("the connection ended early")
        case is NIOSSLError, is NIOSSLExtraError:
            throw RegistryError.unavailable(what: what, registry: registry, reason: "TLS: \(printable("\(error)", limit: 400))")
        default: self.init(Self.words(error))
        }
    }

    /// `Retry-After`: seconds, or a date. Source: RFC 9110, 10.2.3.
    private static func seconds(_ text: String, _ now: Int64) -> Int64? {
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return Int64(text) ?? .max }
        return date(text).map { max(0, $0 - now) }
    }

    /// An IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`. Source: RFC 9110, 5.6.7.
    private static func date(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp.parse("\(words[3])-\(number)-\(words[1])T\(words[4])Z")?.seconds
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .connectTimeout: "no connection in time"
        case let error as HTTPClientError where error == .readTimeout: "nothing came for too long"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "the connection ended early"
        case let error as HTTPClientError where error == .invalidProxyResponse: "the proxy does not connect"
        case let error as NIOConnectionError:
            if let last = error.connectionErrors.last { words(last.error) } else { "host name \"\(printable(error.host))\" is not known" }
        case let error as IOError: Errno(rawValue: error.errnoCode).description
        default: printable("\(error)")
        }
    }
}

extension RegistryClient {
    /// Waits before attempt number `attempt + 1`: longer each time and by chance, so that many clients don't come back at once.
    func pause(after attempt: Int, _ failure: PassingFailure) async throws {
        let timing = configuration.timing
        let backoff = timing.firstPause * (1 << min(attempt - 1, 6)) * Double.random(in: 0.5...1)
        try await clock.sleep(min(max(backoff, failure.pause ?? .zero), timing.longestPause))
    }
}
