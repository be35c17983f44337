// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

/// A host's tree as systemd leaves it: every mount is shared. In a namespace that ends with the test.
@Suite(.asRoot, .busybox) struct SharedHostTests {
    /// Runs the bundle where all is shared. The host's table of mounts must be the same afterwards, line by line.
    private func run(_ bundle: TestBundle, from path: FilePath? = nil, after setUp: String = "true") throws -> Outcome {
        let script = """
            \(setUp) && mount --make-rshared / && cat /proc/self/mountinfo && echo --- || exit 99
            "$@"; code=$?; echo ---; cat /proc/self/mountinfo; exit $code
            """
        let result = try command(
            ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"]
                + bundle.arguments("run", ["--bundle", (path ?? bundle.path).string, bundle.id]))
        // What other tests unmount meanwhile goes here, too: with the directory that it was mounted on.
        let lines = result.lines.filter { line in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return true }
            return fields[4].hasPrefix(bundle.path.string) || !["/tmp/ctr-", "/var/tmp/ctr-"].contains(where: fields[4].hasPrefix)
        }
        let parts = lines.split(separator: "---", omittingEmptySubsequences: false)
        try #require(parts.count == 3, "\(result)")
        #expect(!parts[0].isEmpty && parts[2] == parts[0], "\(Set(parts[0]).symmetricDifference(parts[2]).sorted())")
        return result
    }

    @Test(
        "a container whose root is shared takes nothing off the host's tree, and shows it nothing (X-41)", arguments: ["shared", "rshared"])
    func sharedRoot(name: String) throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.rootfsPropagation = name
        #expect(try run(bundle).code == 0)
    }

    @Test("nor does one with a user namespace (X-41)") func userNamespace() throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.rootfsPropagation = "shared"
        bundle.map(from: 100_000)
        for name in ["proc", "dev", "sys"] { try makeDirectory(bundle.rootfs.appending(name), mode: 0o755) }
        let result = try run(bundle)
        #expect(result.code == 0, "\(result.errors)")
    }

    @Test("nor does one whose bundle is reached by a link to another mount (X-41)") func link() throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.rootfsPropagation = "shared"
        let link = FilePath(bundle.path.string + "-link")
        try #require(symlink(bundle.path.string, link.string) == 0)
        defer { unlink(link.string) }
        let result = try run(bundle, from: link, after: "mount --bind \(bundle.path) \(bundle.path)")
        #expect(result.code == 0, "\(result.errors)")
    }

    @Test("a container in the host's mount namespace takes what it has bound away with it, and not what lies below the source")
    func hostNamespace() throws {
        let bundle = try TestBundle(["/bin/sh", "-c", "true"])
        let volume = bundle.path.appending("volume")
        try makeDirectory(volume, mode: 0o755)
        try makeDirectory(volume.appending("sub"), mode: 0o755)
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "mount" }
        bundle.spec.mounts?.append(.init(destination: "/vol", type: "bind", source: volume.string, options: ["rbind"]))
        let result = try run(bundle, after: "mount -t tmpfs none \(volume)/sub")
        #expect(result.code == 0, "\(result.errors)")
    }

    @Test("a container whose root somebody has unmounted meanwhile can be deleted") func unmounted() throws {
        let bundle = try TestBundle(["/bin/sleep", "1000"])
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "mount" }
        let child = try ChildProcess(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id]))
        #expect(try child.finishKeepingOutput() == 0, "\(child.errors)")
        let mounts = try MountInfo.all().reversed().filter { $0.mountPoint.hasPrefix(bundle.path.string) }
        try #require(!mounts.isEmpty)
        for mount in mounts {
            #expect(umount2(mount.mountPoint, CInt(MNT_DETACH)) == 0)
        }
        let result = try bundle.verb("delete", ["--force"])
        #expect(result.code == 0, "\(result)")
        #expect(access(bundle.state.appending(bundle.id).string, F_OK) == -1)
    }
}
