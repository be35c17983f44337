// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct IDMappedMountTests {
    /// Options, the volume's owner as seen inside, and what its subdirectory (a mount of its own) shows.
    static let cases: [(options: [String], owner: String, below: String)] = [
        (["bind"], "5000", "0"), (["rbind", "idmap"], "5000", "0"), (["rbind", "ridmap"], "5000", "5000"),
    ]

    @Test("a bind with mappings shows its files with other owners, and writes the disk's", arguments: 0..<cases.count)
    func mapping(index: Int) throws {
        let (options, owner, below) = Self.cases[index]
        let bundle = try TestBundle(shell: "stat -c %u /vol/f; stat -c %u /vol/sub; touch /vol/new && stat -c %u /vol/new")
        bundle.spec.process?.user = .init(uid: 5000, gid: 5000)
        let volume = bundle.path.appending("volume")
        try makeDirectory(volume, mode: 0o755)
        try makeDirectory(volume.appending("sub"), mode: 0o755)
        try replaceFile(volume.appending("f"), with: [], mode: 0o644)
        // Of the same filesystem: a tmpfs takes mappings since Linux 6.3 only.
        let other = bundle.path.appending("other")
        try makeDirectory(other, mode: 0o755)
        try #require(try command(["/bin/mount", "--bind", other.string, volume.appending("sub").string]).code == 0)
        defer { _ = try? command(["/bin/umount", volume.appending("sub").string]) }
        var mount = RuntimeSpec.Mount(destination: "/vol", type: "bind", source: volume.string, options: options)
        mount.uidMappings = [.init(containerID: 0, hostID: 5000, size: 1)]
        mount.gidMappings = [.init(containerID: 0, hostID: 5000, size: 1)]
        bundle.spec.mounts?.append(mount)
        let result = try bundle.run()
        let expected = options.contains("rbind") ? below : owner
        #expect(result.lines == [owner, expected, "5000"], "\(result)")
        var status = stat()
        #expect(stat(volume.appending("new").string, &status) == 0 && status.st_uid == 0)
    }

    @Test("only a bind can be id-mapped, and only with mappings") func refused() throws {
        let bundle = try TestBundle()
        bundle.spec.mounts?.append(.init(destination: "/vol", type: "tmpfs", source: "tmpfs", options: ["idmap"]))
        #expect(try bundle.run().errors.contains("only binds"))
        bundle.spec.mounts?.removeLast()
        bundle.spec.mounts?.append(.init(destination: "/vol", type: "bind", source: "/tmp", options: ["idmap", "bind"]))
        #expect(try bundle.run().errors.contains("needs mappings"))
    }
}
