// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

extension CgroupLayout.Hierarchy {
    /// Of v1: there a new group takes no process yet. v2's does.
    var isCpuset: Bool { !isUnified && controllers.contains("cpuset") }
}

/// A v1 cpuset starts empty and takes no process before it has processors and memory nodes. Source: cpusets.rst.
struct CgroupCpuset {
    private static let files = ["cpuset.cpus", "cpuset.mems"]

    private let location: FilePath

    init(_ location: FilePath) { self.location = location }

    var isInhabitable: Bool { Self.files.allSatisfy { name in !((try? Self.read(name, of: location)) ?? "").isEmpty } }

    /// Takes over what the parent has, where there is nothing. So do its parents, whoever made them. The root never is empty.
    func inherit() throws(KernelError) {
        for name in Self.files { _ = try Self.inherited(name, location) }
    }

    private static func inherited(_ name: String, _ location: FilePath) throws(KernelError) -> String {
        let own = try read(name, of: location)
        let parent = location.removingLastComponent()
        guard own.isEmpty, withCPath(parent.appending(name), { access($0, F_OK) }) == 0 else { return own }
        let text = try inherited(name, parent)
        try writeFile(location.appending(name), text)
        return text
    }

    /// Without its line feed.
    private static func read(_ name: String, of location: FilePath) throws(KernelError) -> String {
        String(decoding: try readFile(location.appending(name)).filter { $0 != 0x0A }, as: UTF8.self)
    }
}
