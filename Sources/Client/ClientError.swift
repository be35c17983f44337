// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import Linux
internal import SystemPackage

/// Why a request came to nothing: the daemon refused it, or could not be talked to.
package enum ClientError: Error, Sendable, Hashable {
    case problem(Problem)
    case connection(HTTPError)
    /// What was to be sent could not be read.
    case upload(KernelError)
    case badAnswer(String)
    /// What came could not be written here.
    case copy(String)
    /// What came can't be shown as the command line asks for it: only the answer tells which members there are.
    case usage(UsageError)

    /// The stable name of the daemon's problem.
    package var problemCode: String? {
        if case .problem(let problem) = self { problem.code } else { nil }
    }

    package var message: String {
        switch self {
        case .problem(let problem): terminalSafe(problem.detail)
        case .connection(let error): terminalSafe("\(error)")
        case .upload(let error): terminalSafe("\(error)")
        case .copy(let what): terminalSafe(what)
        case .usage(let error): error.message
        case .badAnswer(let what): "the daemon's answer can't be read: \(terminalSafe(what))"
        }
    }

    package var remedy: String? {
        switch self {
        case .problem(let problem): problem.remedy.map(terminalSafe)
        case .connection(.unreachable(_, let error)):
            switch error.errno {
            case .noSuchFileOrDirectory: "start it with `systemctl start ctr-swiftd`, or name its socket with --socket or CTR_SWIFT_SOCKET"
            case .connectionRefused: "it is not running: `systemctl start ctr-swiftd`"
            case .permissionDenied: "the socket is for root and members of its group: use sudo, or join the group `ctr-swift`"
            default: nil
            }
        case .usage(let error): error.remedy
        case .connection, .upload, .badAnswer, .copy: nil
        }
    }
}
