// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import Metadata
package import OCI
internal import Runtime

/// Who asks for a container: a user of the node.
package struct Caller: Codable, Sendable, Hashable {
    package var uid: UInt32
    package var gid: UInt32

    package init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}

/// Whose ids those of a container with a user namespace are; decided when it is created, and kept as long as it is.
package struct ContainerIdentities: Codable, Sendable, Hashable {
    package let users: [RuntimeSpec.IDMapping]
    package let groups: [RuntimeSpec.IDMapping]
    /// Who is the same user in the container; nil: nobody.
    package let caller: Caller?

    /// What a container's ids are counted to: as many as 16 bits have, with nobody's 65534.
    package static let size: UInt32 = 65_536

    /// - Parameters:
    ///   - range: `size` ids that no other container has.
    ///   - caller: outside of the range.
    package init(_ range: IDRange, keeping caller: Caller? = nil) {
        self.caller = caller
        users = Self.lines(range, keeping: caller?.uid)
        groups = Self.lines(range, keeping: caller?.gid)
    }

    /// All are the range's in order, but one, which is itself.
    private static func lines(_ range: IDRange, keeping kept: UInt32?) -> [RuntimeSpec.IDMapping] {
        guard let kept else { return [RuntimeSpec.IDMapping(containerID: 0, hostID: range.first, size: range.size)] }
        let itself = RuntimeSpec.IDMapping(containerID: kept, hostID: kept, size: 1)
        guard kept < range.size else { return [RuntimeSpec.IDMapping(containerID: 0, hostID: range.first, size: range.size), itself] }
        let below = RuntimeSpec.IDMapping(containerID: 0, hostID: range.first, size: kept)
        let above = RuntimeSpec.IDMapping(containerID: kept + 1, hostID: range.first + kept + 1, size: range.size - kept - 1)
        return [below, itself, above].filter { $0.size > 0 }
    }

    package var maps: IdentityMaps {
        func lines(_ map: [RuntimeSpec.IDMapping]) -> [IdentityMaps.Line] {
            map.map { IdentityMaps.Line(containerID: $0.containerID, hostID: $0.hostID, size: $0.size) }
        }
        return IdentityMaps(users: lines(users), groups: lines(groups))
    }

    // MARK: The request

    /// What a user namespace can't be had with: namespaces of the node's root have nobody in the container who could mount their filesystems, and
    /// root on the node is what privileged promises.
    package static func check(_ request: CreateContainerRequest) throws(ContainerError) {
        let isolation = request.isolation ?? IsolationRequest()
        guard isolation.privileged != true else {
            throw .invalidRequest(
                "privileged in a user namespace: root in the container is to be root on the node, and is to be nobody there",
                remedy: "leave --userns out, or use --cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined")
        }
        for (option, choice) in [("pid", isolation.pid), ("ipc", isolation.ipc)] where choice == .host {
            throw .invalidRequest(
                "the node's own \(option) namespace in a container with a user namespace", remedy: "leave --userns or --\(option) out")
        }
    }

    /// The process's ids must be the container's.
    package func check(_ user: ResolvedUser, _ further: [UInt32]) throws(ContainerError) {
        guard Self.contains(user.uid, users) else {
            throw .invalidRequest("user \(user.uid) of a container that has ids up to \(Self.size - 1)", remedy: "use a smaller one")
        }
        for group in user.groups + further where !Self.contains(group, groups) {
            throw .invalidRequest("group \(group) of a container that has ids up to \(Self.size - 1)", remedy: "use a smaller one")
        }
    }

    private static func contains(_ id: UInt32, _ map: [RuntimeSpec.IDMapping]) -> Bool {
        map.contains { id >= $0.containerID && id - $0.containerID < $0.size }
    }

    // MARK: The spec

    package func apply(to spec: inout RuntimeSpec) {
        spec.linux?.namespaces?.append(RuntimeSpec.Linux.Namespace(type: "user"))
        spec.linux?.uidMappings = users
        spec.linux?.gidMappings = groups
        DefaultSpec.bindNodesSystem(in: &spec)
    }
}
