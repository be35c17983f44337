// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import Linux
package import Metadata
package import ShimProtocol
package import Snapshots

/// Why a container verb was refused. Each case carries the object, and `remedy` what can be done.
package enum ContainerError: Error, Sendable {
    /// Nothing has this ID, prefix or name.
    case notFound(String)
    /// A prefix that several IDs have.
    case ambiguous(String, matches: [String])
    case nameInUse(String, by: String)
    /// A limit of a running container that the kernel did not take.
    case limitRefused(id: String, String)
    /// The verb does not fit the state that was found.
    case wrongState(id: String, verb: String, state: ContainerState)
    /// A member of the request can't be honoured as it is.
    case invalidRequest(String, remedy: String? = nil)
    /// The node's ids, of which a container with a user namespace needs some, can't be given.
    case identities(String, remedy: String)
    /// The image says something that can't be run safely.
    case invalidImage(String)
    /// The process did not come to life; exit code 125, 126 or 127.
    case startFailed(id: String, step: String, reason: String, exitCode: Int, remedy: String? = nil)
    /// A further process did not come to life; exit code 125, 126 or 127.
    case execFailed(id: String, step: String, reason: String, exitCode: Int)
    /// It can't be entered now.
    case execRefused(id: String, String)
    /// A path of the node that does not answer.
    case stuckPath(String, String)
    /// Its files are being copied meanwhile.
    case filesInUse(id: String, verb: String)
    /// What was wrong with a copy.
    case files(FilesFailure)
    /// The shim could not be talked to.
    case shim(id: String, String)
    /// JSON of our own could not be made or read.
    case encoding(String)
    case snapshots(SnapshotError)
    case metadata(MetadataError)
    case kernel(String, KernelError)
}

extension ContainerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound(let name): "no container \"\(name)\""
        case .ambiguous(let prefix, let matches): "\"\(prefix)\" is the start of \(matches.count) container ids"
        case .nameInUse(let name, let id): "the name \"\(name)\" is used by container \(id)"
        case .wrongState(let id, let verb, let state): "can't \(verb) container \(id): it is \(state.rawValue)"
        case .limitRefused(let id, let what): "can't change the limits of container \(id): \(what)"
        case .invalidRequest(let what, _): what
        case .invalidImage(let what): what
        case .identities(let what, _): what
        case .startFailed(let id, let step, let reason, _, _): "container \(id) did not start: \(step): \(reason)"
        case .execFailed(let id, let step, let reason, _): "exec in container \(id): \(step): \(reason)"
        case .execRefused(let id, let reason): "can't exec in container \(id): \(reason)"
        case .stuckPath(let path, let what): "\"\(path)\" on this node: \(what)"
        case .filesInUse(let id, let verb): "can't \(verb) container \(id): its files are being copied"
        case .files(let failure): failure.message
        case .shim(let id, let what): "shim of container \(id): \(what)"
        case .encoding(let what): what
        case .snapshots(let error): "\(error)"
        case .metadata(let error): "\(error)"
        case .kernel(let step, let error): "\(step): \(error)"
        }
    }

    package var remedy: String? {
        switch self {
        case .notFound: "`ctr-swift ps -a` lists the containers"
        case .ambiguous: "write more digits of the id"
        case .nameInUse(_, let id): "remove it with `ctr-swift rm \(id)`, or take another name"
        case .wrongState(let id, let verb, _) where verb == "remove": "stop it first, or use `ctr-swift rm -f \(id)`"
        case .wrongState(let id, _, .paused): "`ctr-swift unpause \(id)` lets it go on"
        case .limitRefused: "the limits are as they were"
        case .filesInUse(let id, "remove"): "try again when that is done; `ctr-swift rm -f \(id)` ends it"
        case .filesInUse: "try again when that is done"
        case .stuckPath: "look whether its filesystem is stuck, and unmount or mend it"
        case .invalidRequest(_, let remedy): remedy
        case .identities(_, let remedy): remedy
        case .startFailed(_, _, _, _, let remedy): remedy
        case .snapshots(let error): error.remedy
        case .metadata(let error): error.remedy
        case .wrongState(_, "exec in", .stopped), .wrongState(_, "exec in", .created): "`ctr-swift start` starts it"
        case .wrongState, .invalidImage, .execFailed, .execRefused, .files, .shim, .encoding, .kernel: nil
        }
    }
}
