// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import OCI
import SystemPackage
import Testing

@Suite struct MountTests {
    private static let defaults = ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"]
    private static let network = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]

    private static func plan(_ mounts: MountRequest...) throws -> TestPlan { try TestPlan { $0.mounts = mounts } }

    private static func bind(_ target: String, source: String = "/tmp", readOnly: Bool = false, _ options: [String] = []) -> MountRequest {
        MountRequest(type: .bind, source: source, target: target, readOnly: readOnly, options: options)
    }

    private static func tmpfs(_ target: String, readOnly: Bool = false, _ options: [String] = []) -> MountRequest {
        MountRequest(type: .tmpfs, target: target, readOnly: readOnly, options: options)
    }

    @Test("the default mounts come first, those that show the network and the cgroup last of them, then the container's own files")
    func defaultOrder() throws {
        let plan = try TestPlan()
        #expect(plan.targets == Self.defaults + Self.network)
        #expect(plan.plan.memo.mounts.map(\.target) == Self.network)
        for name in ["hosts", "hostname", "resolv.conf"] {
            let mount = try plan.mount("/etc/\(name)")
            #expect(mount.source == "/root-of-node/containers/\(plan.id)/etc/\(name)")
            #expect(mount.type == "bind")
        }
    }

    @Test("nothing of the kernel's own filesystems can carry a set-user-ID program, and sysfs and cgroups are read-only")
    func defaultOptions() throws {
        let plan = try TestPlan()
        for target in Self.defaults where target != "/dev" {
            #expect(try plan.mount(target).options?.contains("nosuid") == true)
            #expect(try plan.mount(target).options?.contains("noexec") == true)
        }
        #expect(try plan.mount("/dev").options?.contains("nosuid") == true)
        for target in ["/sys", "/sys/fs/cgroup"] { #expect(try plan.mount(target).options?.contains("ro") == true) }
    }

    @Test("mounts are made parents first, whatever order they are asked for in; equals keep theirs")
    func parentsFirst() throws {
        let plan = try Self.plan(Self.bind("/a/b/c"), Self.tmpfs("/z"), Self.bind("/a/b"), Self.tmpfs("/a"), Self.bind("/b"))
        #expect(plan.targets == Self.defaults + ["/z", "/a", "/b"] + Self.network + ["/a/b", "/a/b/c"])
    }

    @Test(
        "a target is taken as the kernel would see it",
        arguments: [
            ("/data/", "/data"), ("//data", "/data"), ("/./data/.", "/data"), ("/x/../data", "/data"), ("/../../data", "/data"),
            ("/da ta\n", "/da ta\n"), ("/d,a", "/d,a"), ("/ä", "/ä"),
        ])
    func targets(written: String, target: String) throws {
        #expect(try Self.plan(Self.tmpfs(written)).targets.contains(target))
        #expect(try Self.plan(Self.bind(written)).targets.contains(target))
    }

    @Test(
        "a target that is no place in the container is refused",
        arguments: ["", "/", "//", "/.", "/..", "/a/..", "data", "./data", "../data", "/a\0b", "~"])
    func badTargets(target: String) {
        expectInvalid("mount target") { try Self.plan(Self.tmpfs(target)) }
        expectInvalid("mount target") { try Self.plan(Self.bind(target)) }
    }

    @Test("two mounts of one target are refused, however they are written", arguments: ["/data", "/data/", "/x/../data", "//data/."])
    func duplicates(second: String) {
        expectInvalid("two mounts at \"/data\"") { try Self.plan(Self.bind("/data"), Self.tmpfs(second)) }
    }

    @Test("two targets whose bytes differ are two, though they look the same")
    func targetsAreBytes() throws {
        let plan = try Self.plan(Self.tmpfs("/\u{e9}"), Self.tmpfs("/e\u{301}"))
        #expect(plan.targets.count == Self.defaults.count + Self.network.count + 2)
    }

    @Test("a bind is recursive, private and writable, unless it says otherwise")
    func bindOptions() throws {
        func options(_ mount: MountRequest) throws -> [String]? { try Self.plan(mount).mount("/d").options }
        #expect(try options(Self.bind("/d")) == ["rbind", "rprivate", "rw"])
        #expect(try options(Self.bind("/d", readOnly: true)) == ["rbind", "rprivate", "ro"])
        #expect(try options(Self.bind("/d", ["bind", "rslave", "noexec"])) == ["bind", "rslave", "noexec", "rw"])
        #expect(try options(Self.bind("/d", ["slave"])) == ["slave", "rbind", "rw"])
        let mount = try Self.plan(Self.bind("/d")).mount("/d")
        #expect(mount.source == "/tmp" && mount.type == "bind")
    }

    @Test("a bind's source is an absolute path that is there; nothing is made on the host")
    func sources() throws {
        for source in ["", "tmp", "./tmp", "/tmp\0"] { expectInvalid("bind source") { try Self.plan(Self.bind("/d", source: source)) } }
        expectInvalid("bind source") { try Self.plan(MountRequest(type: .bind, target: "/d")) }
        let missing = "/tmp/ctr-swift-missing-\(UInt64.random(in: 0 ... .max))"
        expectInvalid("does not exist") { try Self.plan(Self.bind("/d", source: missing)) }
        #expect(!Files.exists(FilePath(missing)))
    }

    @Test("a FIFO as a bind's source is looked at and not opened")
    func fifoSource() throws {
        let layers = try TestLayers()
        let fifo = layers.path("fifo").string
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(try Self.plan(Self.bind("/d", source: fifo)).mount("/d").source == fifo)
    }

    @Test("a tmpfs carries no programs or devices unless it says so, and takes its own options")
    func tmpfsOptions() throws {
        func options(_ mount: MountRequest) throws -> [String]? { try Self.plan(mount).mount("/d").options }
        #expect(try options(Self.tmpfs("/d")) == ["nosuid", "nodev", "noexec"])
        #expect(try options(Self.tmpfs("/d", readOnly: true)) == ["nosuid", "nodev", "noexec", "ro"])
        #expect(
            try options(Self.tmpfs("/d", ["size=64m", "mode=1777", "uid=1", "gid=2", "nr_inodes=10", "exec", "suid", "dev"]))
                == ["size=64m", "mode=1777", "uid=1", "gid=2", "nr_inodes=10", "exec", "suid", "dev"])
        #expect(try options(Self.tmpfs("/d", ["noexec", "noatime"])) == ["noexec", "noatime", "nosuid", "nodev"])
        expectInvalid("no source") { try Self.plan(MountRequest(type: .tmpfs, source: "/tmp", target: "/d")) }
    }

    @Test(
        "an option that is not known, or holds two, is refused for both kinds",
        arguments: [
            "", "x", "size", "=", "size=1,mode=7777", "noexec,suid", "size=1\0", "lowerdir=/", "upperdir=/", "remount", "RO", "bind=x",
        ])
    func unknownOptions(option: String) {
        expectInvalid("mount option") { try Self.plan(Self.tmpfs("/d", [option])) }
        expectInvalid("mount option") { try Self.plan(Self.bind("/d", [option])) }
    }

    @Test("options of one kind are not the other's")
    func kinds() {
        expectInvalid("mount option") { try Self.plan(Self.bind("/d", ["size=64m"])) }
        expectInvalid("mount option") { try Self.plan(Self.tmpfs("/d", ["rslave"])) }
    }

    @Test(
        "a mount in the place of a default one replaces it, in its place; the defaults below stay above it",
        arguments: ["/proc", "/dev", "/sys", "/dev/shm", "/sys/fs/cgroup"])
    func replacesDefaults(target: String) throws {
        let plan = try Self.plan(Self.bind(target))
        #expect(plan.targets == Self.defaults + Self.network)
        #expect(try plan.mount(target).source == "/tmp")
    }

    @Test("a mount above a default one is made before it; one below, after it")
    func aroundDefaults() throws {
        let plan = try Self.plan(Self.bind("/sys/fs"), Self.bind("/sys/fs/bpf"), Self.bind("/dev/disk"), Self.bind("/system"))
        #expect(plan.targets.count == Set(plan.targets).count)
        func place(_ target: String) throws -> Int { try #require(plan.targets.firstIndex(of: target)) }
        #expect(try place("/sys") < place("/sys/fs"))
        #expect(try place("/sys/fs") < place("/sys/fs/cgroup"))
        #expect(try place("/sys/fs") < place("/sys/fs/bpf"))
        #expect(try place("/dev") < place("/dev/disk"))
        #expect(try place("/system") > place("/sys/fs/cgroup"))
    }

    @Test("one's own /etc/hosts replaces the container's; a bound /etc comes below its three files")
    func networkFiles() throws {
        let own = try Self.plan(Self.bind("/etc/hosts", source: "/etc/hosts"))
        #expect(try own.mount("/etc/hosts").source == "/etc/hosts")
        #expect(own.targets.filter { $0 == "/etc/hosts" }.count == 1)
        let whole = try Self.plan(Self.bind("/etc"))
        #expect(whole.targets == Self.defaults + ["/etc"] + Self.network)
    }
}
