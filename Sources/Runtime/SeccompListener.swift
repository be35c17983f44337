// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import SystemPackage

/// Where the notifications of SCMP_ACT_NOTIFY go. Source: runtime-spec config-linux.md, "Seccomp" and "Container Process State".
struct SeccompListenerPlan {
    private let path: FilePath
    private let metadata: String?

    /// - Returns: nil for a profile without notifications.
    init?(_ profile: RuntimeSpec.Linux.Seccomp) throws(LaunchError) {
        let path = profile.listenerPath ?? ""
        if path.isEmpty, profile.listenerMetadata != nil { throw .refused("seccomp.listenerMetadata needs a listenerPath") }
        let notifies = { (action: String) in action == SeccompAction.notify }
        let rules = (profile.syscalls ?? []).filter { notifies($0.action) }
        guard notifies(profile.defaultAction) || !rules.isEmpty else { return nil }
        guard !path.isEmpty else { throw .refused("\(SeccompAction.notify) needs a seccomp.listenerPath") }
        // The message with the listener would itself wait for the listener.
        guard !notifies(profile.defaultAction), !rules.contains(where: { $0.names.contains("sendmsg") }) else {
            throw .refused("\(SeccompAction.notify) can't be the action for sendmsg")
        }
        self.path = FilePath(try SpecCheck.noNUL(path, "seccomp.listenerPath"))
        metadata = profile.listenerMetadata
    }

    /// In the parent, whose paths the spec means; the child inherits the connection.
    func connect() throws(KernelError) -> OwnedFD { try UnixSocket.connect(to: path, .stream) }

    private struct ProcessState: Encodable {
        var ociVersion: String
        var fds = ["seccompFd"]
        var pid: Int32
        var metadata: String?
        var state: HookState
    }

    /// Gives the listener away.
    func send(_ listener: CInt, over connection: CInt, _ state: HookState, pid: Int32) throws(LaunchError) {
        let bytes: [UInt8]
        do throws(JSONError) {
            bytes = try JSON.encode(ProcessState(ociVersion: state.ociVersion, pid: pid, metadata: metadata, state: state))
        } catch {
            throw LaunchError(step: .seccomp, reason: "\(error)")
        }
        try during(.seccomp, "the seccomp listener") { () throws(KernelError) in
            _ = try kernel("sendmsg(2)", path.string) {
                bytes.withUnsafeBytes { ctr_send_descriptor(connection, $0.baseAddress, $0.count, listener) }
            }
        }
    }
}
