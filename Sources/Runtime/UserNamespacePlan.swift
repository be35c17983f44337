// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI
internal import SystemPackage

/// Whose ids the container's are.
enum UserNamespacePlan {
    /// A new namespace with these maps.
    case new(IDMappings)
    /// An existing one; the maps that the spec gives, where it gives some, must be its own.
    case joined(FilePath, expected: IDMappings?)

    /// - Returns: nil for a container with the caller's ids.
    static func read(_ linux: RuntimeSpec.Linux?, _ namespaces: NamespacePlan) throws(LaunchError) -> UserNamespacePlan? {
        let mappings = try IDMappings.read(linux?.uidMappings, linux?.gidMappings, "linux")
        if namespaces.isOwn(.user), !namespaces.new.contains(.mount) {
            throw .refused("a container with a user namespace needs a new mount namespace")
        }
        if let path = namespaces.joined.first(where: { $0.kind == .user })?.path { return .joined(path, expected: mappings) }
        guard namespaces.new.contains(.user) else {
            guard mappings == nil else { throw .refused("uidMappings and gidMappings need a user namespace") }
            return nil
        }
        guard let mappings else { throw .refused("a new user namespace needs uidMappings and gidMappings") }
        guard mappings.hostUser(0) != nil, mappings.hostGroup(0) != nil else {
            throw .refused("uidMappings and gidMappings must map id 0: the container is set up as its root")
        }
        return .new(mappings)
    }

    /// The process's ids must exist in the container.
    func check(_ user: UserPlan) throws(LaunchError) {
        guard case .new(let mappings) = self else { return }
        guard mappings.hostUser(user.uid) != nil else { throw .refused("process.user.uid \(user.uid) is not in uidMappings") }
        for group in [user.gid] + user.groups where mappings.hostGroup(group) == nil {
            throw .refused("group \(group) of process.user is not in gidMappings")
        }
    }

    /// Makes or opens it. Costs a process that is gone again.
    func open() throws(KernelError) -> UserNamespace {
        switch self {
        case .new(let mappings): return try UserNamespace.make(mappings)
        case .joined(let path, _): return try UserNamespace.open(path)
        }
    }
}

extension IDMappings {
    /// - Returns: nil where the spec gives neither.
    static func read(_ users: [RuntimeSpec.IDMapping]?, _ groups: [RuntimeSpec.IDMapping]?, _ member: String) throws(LaunchError)
        -> IDMappings?
    {
        let (users, groups) = (users ?? [], groups ?? [])
        if users.isEmpty, groups.isEmpty { return nil }
        guard !users.isEmpty, !groups.isEmpty else { throw .refused("\(member): uidMappings and gidMappings go together") }
        return IDMappings(users: try lines(users, "\(member).uidMappings"), groups: try lines(groups, "\(member).gidMappings"))
    }

    /// Source: user_namespaces(7): at most 340 lines, none of which overlaps another.
    private static func lines(_ mappings: [RuntimeSpec.IDMapping], _ member: String) throws(LaunchError) -> [IDMapping] {
        guard mappings.count <= 340 else { throw .refused("\(member) has more than 340 lines") }
        for (index, line) in mappings.enumerated() {
            let (inside, outside, size) = (UInt64(line.containerID), UInt64(line.hostID), UInt64(line.size))
            // The last number is the kernel's "no id".
            guard size > 0, inside + size <= UInt64(UInt32.max), outside + size <= UInt64(UInt32.max) else {
                throw .refused("\(member): \(line.size) ids from \(line.containerID) to \(line.hostID) can't be")
            }
            for other in mappings[..<index] {
                let overlap =
                    inside < UInt64(other.containerID) + UInt64(other.size) && UInt64(other.containerID) < inside + size
                    || outside < UInt64(other.hostID) + UInt64(other.size) && UInt64(other.hostID) < outside + size
                guard !overlap else { throw .refused("\(member): two lines have ids in common") }
            }
        }
        return mappings.map { IDMapping(inside: $0.containerID, outside: $0.hostID, size: $0.size) }
    }
}
