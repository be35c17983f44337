// SPDX-License-Identifier: Apache-2.0

/// Who PID 1 is.
package struct ResolvedUser: Hashable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var supplementaryGroups: [UInt32]
    package var home: String

    /// What setgroups(2) gets: the primary group is among them, so that a program that gives it up as its gid still is in it
    /// (CVE-2022-36109).
    package var groups: [UInt32] { [gid] + supplementaryGroups.filter { $0 != gid } }

    package init(uid: UInt32, gid: UInt32, supplementaryGroups: [UInt32] = [], home: String = "/") {
        self.uid = uid
        self.gid = gid
        self.supplementaryGroups = supplementaryGroups
        self.home = home
    }
}

/// An image's /etc/passwd and /etc/group, as bytes that nobody vouches for. Source: passwd(5), group(5).
///
/// Lines are cut at line feeds only, fields at colons only; a line that is not whole is no entry. Numbers are digits in the
/// kernel's range, so that no text turns into uid 0 by accident (CVE-2016-3697, CVE-2024-40635).
package struct UserDatabase: Sendable {
    private struct User {
        var name: ArraySlice<UInt8>
        var uid: UInt32
        var gid: UInt32
        var home: ArraySlice<UInt8>
    }
    private struct Group {
        var name: ArraySlice<UInt8>
        var gid: UInt32
        var members: ArraySlice<UInt8>
    }

    private let users: [User]
    private let groups: [Group]
    /// Whose files these are, for messages.
    private let owner: String

    /// - Parameters: the files' bytes; empty where there are none.
    package init(passwd: [UInt8], group: [UInt8], owner: String = "image") {
        self.owner = owner
        users = Self.lines(of: passwd).compactMap { fields in
            guard fields.count >= 6, let uid = Self.id(fields[2]), let gid = Self.id(fields[3]), !fields[0].isEmpty else { return nil }
            return User(name: fields[0], uid: uid, gid: gid, home: fields[5])
        }
        groups = Self.lines(of: group).compactMap { fields in
            guard fields.count >= 4, let gid = Self.id(fields[2]), !fields[0].isEmpty else { return nil }
            return Group(name: fields[0], gid: gid, members: fields[3])
        }
    }

    /// Resolves `user`, `uid`, `user:group`, `uid:gid` and the mixed forms; empty is root.
    ///
    /// A user of digits is a uid, never a name. A uid that passwd does not know gets gid 0 and home "/". Supplementary groups are
    /// those that list the user by name, where no group was asked for. Source: runtime behaviour of Docker and runc.
    /// - Throws: `ContainerError.invalidRequest` for a name that is not there and a number out of range.
    package func resolve(_ specification: String) throws(ContainerError) -> ResolvedUser {
        let parts = Array(specification.utf8).split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let userPart = parts.first ?? []
        let known = try user(userPart, in: specification)
        var resolved: ResolvedUser
        if let entry = known.entry {
            resolved = ResolvedUser(uid: entry.uid, gid: entry.gid, home: Self.home(entry.home))
        } else {
            resolved = ResolvedUser(uid: known.uid, gid: 0)
        }
        if parts.count == 2 {
            resolved.gid = try groupID(parts[1], in: specification)
        } else if let name = known.entry?.name {
            resolved.supplementaryGroups = memberships(of: name)
        }
        return resolved
    }

    /// The number of a group, by name or by number.
    /// - Throws: `ContainerError.invalidRequest`.
    package func group(_ name: String) throws(ContainerError) -> UInt32 { try groupID(Array(name.utf8)[...], in: name) }

    private func user(_ part: ArraySlice<UInt8>, in specification: String) throws(ContainerError) -> (uid: UInt32, entry: User?) {
        if part.isEmpty { return (0, users.first { $0.uid == 0 }) }
        if let first = part.first, Self.isDigit(first), part.allSatisfy(Self.isDigit) {
            guard let uid = Self.id(part) else {
                throw .invalidRequest("user \"\(specification)\": the uid is outside 0...4294967294")
            }
            return (uid, users.first { $0.uid == uid })
        }
        guard let entry = users.first(where: { $0.name == part }) else {
            throw .invalidRequest(
                "user \"\(specification)\": no such user in the \(owner)'s /etc/passwd",
                remedy: "use a numeric uid, or a name that the \(owner) has")
        }
        return (entry.uid, entry)
    }

    private func groupID(_ part: ArraySlice<UInt8>, in specification: String) throws(ContainerError) -> UInt32 {
        if !part.isEmpty, part.allSatisfy(Self.isDigit) {
            guard let gid = Self.id(part) else {
                throw .invalidRequest("user \"\(specification)\": the gid is outside 0...4294967294")
            }
            return gid
        }
        guard let group = groups.first(where: { $0.name == part }) else {
            throw .invalidRequest(
                "user \"\(specification)\": no such group in the \(owner)'s /etc/group",
                remedy: "use a numeric gid, or a name that the \(owner) has")
        }
        return group.gid
    }

    private func memberships(of name: ArraySlice<UInt8>) -> [UInt32] {
        var gids: [UInt32] = []
        for group in groups where group.members.split(separator: UInt8(ascii: ",")).contains(name) && !gids.contains(group.gid) {
            gids.append(group.gid)
        }
        return gids
    }

    /// The kernel's ids: 0...2^32-2; -1 means "keep" to chown(2) and setuid(2).
    private static func id(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard !digits.isEmpty, digits.count <= 10, digits.allSatisfy(isDigit) else { return nil }
        let value = digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
        return value < UInt64(UInt32.max) ? UInt32(value) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func home(_ bytes: ArraySlice<UInt8>) -> String {
        // It becomes an environment variable: a control byte in it is an attack on whoever prints it (CVE-2022-4318).
        guard bytes.first == UInt8(ascii: "/"), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return "/" }
        return String(validating: bytes, as: UTF8.self) ?? "/"
    }

    private static func lines(of bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            line.first == UInt8(ascii: "#") ? nil : line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        }
    }
}
