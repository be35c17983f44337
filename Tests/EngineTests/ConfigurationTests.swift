// SPDX-License-Identifier: Apache-2.0

import Engine
import TestSupport
import Testing

/// What an embedder may ask for and can't have.
@Suite(.asRoot) struct ConfigurationTests {
    private func expectRefused(_ what: String, _ change: @escaping (inout NodeConfiguration) -> Void) async {
        let error = await #expect(throws: EngineError.self) { try await TestNode.with(change) { _ in } }
        #expect(error?.message.contains(what) == true && error?.remedy != nil, "\(error.map { "\($0)" } ?? "")")
    }

    @Test(
        "the parent of the cgroups is below the hierarchies' roots, and no other place",
        arguments: ["", "/", "/a", "..", "a/../..", "a/..", ".", "a/./b", "a//b", "a/", "a\n", "a\0"])
    func cgroupParent(path: String) async { await expectRefused("cgroup-parent") { $0.cgroupParent = path } }

    @Test("a path of several names is one") func nested() async throws {
        try await TestNode.with({ $0.cgroupParent = "ctr-engine-test.slice/a..b/.c" }) { _ in }
    }

    @Test("what is kept free is not less than nothing", arguments: [(-1, 0), (0, -1), (.min, .min)] as [(Int64, Int64)])
    func reserve(bytes: Int64, inodes: Int64) async {
        await expectRefused("reserve") {
            $0.reserveBytes = bytes
            $0.reserveInodes = inodes
        }
    }
}
