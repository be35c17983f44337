// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import Metadata
package import SystemPackage

/// Where containers' ids are taken from. Source: subuid(5), subgid(5).
package struct SubordinateIDs: Sendable {
    /// By the daemon's configuration: then nothing else is asked.
    package var configured: IDRange?
    package var userFile: FilePath
    package var groupFile: FilePath

    package init(configured: IDRange? = nil, userFile: FilePath = "/etc/subuid", groupFile: FilePath = "/etc/subgid") {
        self.configured = configured
        self.userFile = userFile
        self.groupFile = groupFile
    }

    /// Whose lines of the two files count.
    package static let user = "ctr-swift"
    /// Where the files have no lines for it: behind what systemd-nspawn and useradd(8) take, and below 2^31, which not every program can count to.
    /// Source: systemd.io, "Users, Groups, UIDs and GIDs on systemd Systems".
    package static let unassigned = IDRange(first: 0x7000_0000, size: 0x0FFE_0000)
    /// What is below is users and groups of the node itself.
    package static let lowest: UInt32 = 65_536

    /// - Returns: ranges of numbers that are both users and groups.
    /// - Throws: `ContainerError.identities` for what can't be used.
    package func available() throws(ContainerError) -> [IDRange] {
        if let configured { return [try Self.checked(configured, "userns-range")] }
        let users = try lines(userFile)
        let groups = try lines(groupFile)
        if users.isEmpty, groups.isEmpty { return [Self.unassigned] }
        let both = users.flatMap { user in groups.compactMap { Self.common(user, $0) } }
        guard !both.isEmpty else {
            throw .identities(
                "\(userFile) and \(groupFile) give \(Self.user) no numbers that are in both",
                remedy: "give it the same ranges in both, or set `userns-range`")
        }
        return both
    }

    private func lines(_ path: FilePath) throws(ContainerError) -> [IDRange] {
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try readFile(path, limit: 1 << 20) } catch  where error.errno == .noSuchFileOrDirectory {
            return []
        } catch {
            throw .kernel("read \(path)", error)
        }
        var ranges: [IDRange] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields[0].elementsEqual(Self.user.utf8) else { continue }
            let numbers = fields.dropFirst().compactMap { UInt32(String(decoding: $0, as: UTF8.self)) }
            guard fields.count == 3, numbers.count == 2 else {
                throw .identities("\(path) has a line for \(Self.user) that can't be read", remedy: "write it as \(Self.user):FIRST:COUNT")
            }
            ranges.append(try Self.checked(IDRange(first: numbers[0], size: numbers[1]), "\(path)"))
        }
        return ranges
    }

    private static func checked(_ range: IDRange, _ place: String) throws(ContainerError) -> IDRange {
        guard range.first >= lowest, range.size > 0, range.end <= UInt64(UInt32.max) else {
            throw .identities(
                "\(place): \(range.size) ids from \(range.first) on can't be given to containers",
                remedy: "use numbers from \(lowest) to \(UInt32.max - 1): the lower ones are the node's own users")
        }
        return range
    }

    private static func common(_ one: IDRange, _ other: IDRange) -> IDRange? {
        let first = max(one.first, other.first)
        let end = min(one.end, other.end)
        return end > UInt64(first) ? IDRange(first: first, size: UInt32(end - UInt64(first))) : nil
    }
}
