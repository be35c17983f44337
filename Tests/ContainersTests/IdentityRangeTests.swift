// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Metadata
import OCI
import SystemPackage
import TestSupport
import Testing

/// Who gets which ids, and for how long.
@Suite struct IdentityRangeTests {
    struct Lines: Sendable {
        var users: String
        var groups: String
        var ranges: [IDRange]
    }

    private func files(_ users: String, _ groups: String, _ body: (SubordinateIDs) throws -> Void) throws {
        let base = FilePath("/tmp/ctr-swift-ids-\(UInt64.random(in: 0 ... .max))")
        try makeDirectory(base, mode: 0o700)
        defer { try? removeTree(base) }
        try replaceFile(base.appending("subuid"), with: Array(users.utf8))
        try replaceFile(base.appending("subgid"), with: Array(groups.utf8))
        try body(SubordinateIDs(userFile: base.appending("subuid"), groupFile: base.appending("subgid")))
    }

    @Test(
        "ids come of ctr-swift's lines in /etc/subuid and /etc/subgid, as far as both have them",
        arguments: [
            Lines(users: "", groups: "", ranges: [SubordinateIDs.unassigned]),
            Lines(users: "me:100000:65536\n", groups: "me:100000:65536\n", ranges: [SubordinateIDs.unassigned]),
            Lines(
                users: "me:1:1\nctr-swift:200000:65536\n", groups: "ctr-swift:200000:65536", ranges: [IDRange(first: 200_000, size: 65_536)]
            ),
            Lines(
                users: "ctr-swift:200000:65536\nctr-swift:400000:10", groups: "ctr-swift:200010:400000\n",
                ranges: [IDRange(first: 200_010, size: 65_526), IDRange(first: 400_000, size: 10)]),
        ])
    func files(lines: Lines) throws {
        try files(lines.users, lines.groups) { ids in
            let found = try ids.available()
            #expect(found == lines.ranges)
        }
    }

    @Test(
        "lines that can't be meant are told, not skipped",
        arguments: [
            ("ctr-swift:200000:65536", "", "no numbers that are in both"), ("ctr-swift:x:1", "ctr-swift:1:1", "can't be read"),
            ("ctr-swift:200000", "", "can't be read"), ("ctr-swift:0:65536", "ctr-swift:0:65536", "can't be given"),
            ("ctr-swift:1000:65536", "", "can't be given"), ("ctr-swift:4294900000:100000", "", "can't be given"),
            ("ctr-swift:99999999999:1", "", "can't be read"), ("ctr-swift:200000:0", "", "can't be given"),
        ])
    func badFiles(users: String, groups: String, words: String) throws {
        try files(users, groups) { ids in
            let error = #expect(throws: ContainerError.self) { try ids.available() }
            #expect(error.map { "\($0)" }?.contains(words) == true, "\(error.map { "\($0)" } ?? "")")
        }
    }

    @Test("what the daemon is configured with goes before the files")
    func configured() throws {
        let range = IDRange(first: 500_000, size: 131_072)
        #expect(try SubordinateIDs(configured: range, userFile: "/no/such/file").available() == [range])
        #expect(throws: ContainerError.self) { try SubordinateIDs(configured: IDRange(first: 10, size: 10)).available() }
    }

    @Test("the next ids are behind the newest, then in gaps, and never in part another's")
    func allocation() {
        let whole = [IDRange(first: 100_000, size: 30)]
        func next(_ taken: [UInt32], after newest: UInt32?, size: UInt32 = 10) -> UInt32? {
            IDAllocation(available: whole, taken: taken.map { IDRange(first: $0, size: 10) })
                .next(size: size, after: newest.map { IDRange(first: $0, size: 10) })?.first
        }
        #expect(next([], after: nil) == 100_000)
        #expect(next([100_000], after: 100_000) == 100_010)
        #expect(next([100_010], after: 100_010) == 100_020)
        #expect(next([100_010, 100_020], after: 100_020) == 100_000)
        #expect(next([100_000, 100_010, 100_020], after: 100_010) == nil)
        #expect(next([100_005, 100_015], after: nil) == nil)
        #expect(next([100_005], after: nil) == 100_015)
        #expect(next([99_995], after: nil) == 100_005)
        #expect(next([], after: nil, size: 31) == nil)
        #expect(next([], after: nil, size: 0) == nil)
        let two = [IDRange(first: 300, size: 10), IDRange(first: 100, size: 9)]
        #expect(IDAllocation(available: two, taken: []).next(size: 10, after: nil)?.first == 300)
    }

    @Test("a request that contradicts a user namespace is refused before any ids are taken", .asRoot)
    func contradictions() async throws {
        try await withNode { node in
            func refused(_ words: String, _ caller: Caller? = nil, _ change: @Sendable (inout CreateContainerRequest) -> Void) async {
                var request = CreateContainerRequest(image: "example.org/busybox")
                request.arguments = ["/bin/true"]
                UserNamespaceTests.auto(&request)
                change(&request)
                let error = await #expect(throws: ContainerError.self) {
                    try await node.service.create(request, image: .made(.init(), digest: TestNode.image), caller: caller)
                }
                #expect(error.map { "\($0)" }?.contains(words) == true, "\(error.map { "\($0)" } ?? "")")
            }
            await refused("privileged") { $0.isolation?.privileged = true }
            await refused("pid namespace") { $0.isolation?.pid = .host }
            await refused("ipc namespace") { $0.isolation?.ipc = .host }
            await refused("user 70000") { $0.user = "70000" }
            await refused("group 70000") { $0.user = "1:70000" }
            await refused("group 65536") { $0.isolation?.groups = ["65536"] }
            await refused("no caller") { $0.isolation?.userNamespace = .keep }
            await refused("who is root", Caller(uid: 0, gid: 0)) { $0.isolation?.userNamespace = .keep }
            await refused("who is root", Caller(uid: 7, gid: 0)) { $0.isolation?.userNamespace = .keep }
            let inside = Caller(uid: SubordinateIDs.unassigned.first + 5, gid: 7)
            await refused("among the ids", inside) { $0.isolation?.userNamespace = .keep }
            await refused("idmap and noidmap") {
                $0.mounts = [MountRequest(type: .bind, source: "/etc", target: "/m", options: ["idmap", "noidmap"])]
            }
            await refused("the node's own ids") {
                $0.isolation?.userNamespace = .host
                $0.mounts = [MountRequest(type: .bind, source: "/etc", target: "/m", options: ["idmap"])]
            }
            let ranges = try node.metadata.idRanges()
            #expect(ranges.isEmpty)
        }
    }

    @Test("ids are a container's own from before its creation until after its removal", .asRoot)
    func lives() async throws {
        try await withNode { node in
            var made: [Container] = []
            for _ in 0..<5 { made.append(try await node.create(["/bin/true"], UserNamespaceTests.auto)) }
            let ranges = try node.metadata.idRanges()
            #expect(Set(ranges.keys) == Set(made.map(\.id.text)))
            let sorted = ranges.values.sorted { $0.first < $1.first }
            #expect(zip(sorted, sorted.dropFirst()).allSatisfy { !$0.overlaps($1) })
            #expect(sorted.allSatisfy { $0.size == 65_536 })
            try await node.service.remove(made[1], force: false)
            #expect(try node.metadata.idRanges()[made[1].id.text] == nil)
            // One that has just gone rests.
            let next = try await node.create(["/bin/true"], UserNamespaceTests.auto)
            #expect(try node.metadata.idRanges()[next.id.text]?.first == sorted.last.map { $0.first + 65_536 })
            let plain = try await node.create(["/bin/true"])
            #expect(try node.metadata.idRanges()[plain.id.text] == nil)
        }
    }

    @Test("ids that a creation had when its daemon was killed are free after the next start; those of containers are not", .asRoot, .shim)
    func afterCrash() async throws {
        try await withBase { base in
            let old = try await Daemons.firstDaemon(base) { node in
                let kept = try await node.create(["/bin/true"], UserNamespaceTests.auto)
                _ = try node.metadata.claimIDs(for: "interrupted", size: 65_536, of: [SubordinateIDs.unassigned])
                return [kept]
            }
            let node = try await Daemons.reopen(base)
            try await node.use { node in
                let ranges = try node.metadata.idRanges()
                #expect(Array(ranges.keys) == old.map(\.id.text))
            }
        }
    }
}
