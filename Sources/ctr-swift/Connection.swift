// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Client
internal import Glibc
internal import SystemPackage

/// Where the daemon is.
struct Connection: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The daemon's socket (CTR_SWIFT_SOCKET; else /run/ctr-swift/ctr-swift.sock).", valueName: "path"),
        completion: .file())
    var socket: String?

    var client: APIClient { Self.client(socket) }

    static func client(_ socket: String? = nil) -> APIClient {
        let path = socket ?? environment("CTR_SWIFT_SOCKET") ?? "/run/ctr-swift/ctr-swift.sock"
        return APIClient(socketPath: FilePath(path.hasPrefix("unix://") ? String(path.dropFirst(7)) : path))
    }
}

/// A variable of this process; an empty one counts as not set.
func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}

extension CompletionKind {
    /// Names of containers, as the daemon knows them at that moment.
    static let containers = CompletionKind.shellCommand("ctr-swift ps -a --format '{{.name}}' 2>/dev/null")
    static let images = CompletionKind.shellCommand("ctr-swift images --format '{{index .references 0}}' 2>/dev/null")
}
