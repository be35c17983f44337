// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// One line of a user namespace's uid_map or gid_map. Source: user_namespaces(7).
package struct IDMapping: Sendable, Hashable {
    /// The first id inside.
    package var inside: UInt32
    /// The first id outside, as the process that reads or writes the map sees it.
    package var outside: UInt32
    package var size: UInt32

    package init(inside: UInt32, outside: UInt32, size: UInt32) {
        self.inside = inside
        self.outside = outside
        self.size = size
    }

    package var text: String { "\(inside) \(outside) \(size)" }
}

/// Both maps of a user namespace.
package struct IDMappings: Sendable, Hashable {
    package var users: [IDMapping]
    package var groups: [IDMapping]

    package init(users: [IDMapping], groups: [IDMapping]) {
        self.users = users
        self.groups = groups
    }

    /// - Returns: the outer id; nil for one that has none.
    package func hostUser(_ id: UInt32) -> UInt32? { Self.outer(id, users) }
    package func hostGroup(_ id: UInt32) -> UInt32? { Self.outer(id, groups) }

    private static func outer(_ id: UInt32, _ map: [IDMapping]) -> UInt32? {
        for line in map where id >= line.inside && id - line.inside < line.size { return line.outside + (id - line.inside) }
        return nil
    }

    /// Reads the maps of a process as the caller sees them.
    package static func of(process: Int32) throws(KernelError) -> IDMappings {
        IDMappings(users: try read("/proc/\(process)/uid_map"), groups: try read("/proc/\(process)/gid_map"))
    }

    private static func read(_ path: String) throws(KernelError) -> [IDMapping] {
        String(decoding: try readFile(FilePath(path)), as: UTF8.self).split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").compactMap { UInt32($0) }
            return numbers.count == 3 ? IDMapping(inside: numbers[0], outside: numbers[1], size: numbers[2]) : nil
        }
    }
}
