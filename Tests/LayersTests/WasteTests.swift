// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import SystemPackage
import Tar
import Testing

@Suite(.asRoot) struct WasteTests {
    private func waste(_ layers: [Member]..., order: [Int]? = nil, most: Int = 100) throws -> StackWaste {
        try withDirectory(inMemory: true) { directory in
            let stack = try Stack(directory, layers)
            return try StackWaste.measure((order ?? Array(layers.indices)).map { stack.layers[$0] }, most: most)
        }
    }

    private func path(_ path: String, _ times: Int, _ bytes: Int64, deleted: Bool = false) -> StackWaste.Path {
        StackWaste.Path(path: LayerPath(bytes: Array(path.utf8)), timesWritten: times, wastedBytes: bytes, isDeleted: deleted)
    }

    private func counts(_ files: Int64, _ bytes: Int64, wasted: Int64, _ wastedBytes: Int64) -> StackWaste.Layer {
        StackWaste.Layer(files: files, bytes: bytes, wastedFiles: wasted, wastedBytes: wastedBytes)
    }

    @Test("a file that is written anew wastes what is below, one that is deleted all of itself")
    func overwrittenAndDeleted() throws {
        let waste = try waste(
            [.directory("d"), .file("d/kept", "1234"), .file("d/again", "123456"), .file("gone", "12")],
            [.file("d/again", "1234567890"), .whiteout("gone")])
        #expect(waste.layers == [counts(3, 12, wasted: 2, 8), counts(1, 10, wasted: 0, 0)])
        #expect(waste.worst == [path("d/again", 2, 6), path("gone", 1, 2, deleted: true)])
        #expect((waste.overwrittenFiles, waste.deletedFiles, waste.wastedPaths) == (1, 1, 2))
        #expect(waste.score == 14.0 / 22.0)
    }

    @Test("what is in a deleted, an emptied or a replaced directory is wasted")
    func directories() throws {
        for mark in [[Member.whiteout("d")], [.opaque("d")], [.file("d", "x")], [.symlink("d", "elsewhere")]] {
            let waste = try waste([.directory("d"), .directory("d/e"), .file("d/e/f", "12345"), .file("empty")], mark)
            #expect(waste.wastedBytes == 5, "\(mark)")
            #expect(waste.worst == [path("d/e/f", 1, 5, deleted: true)], "\(mark)")
        }
    }

    @Test("written three times is told as such, and the worst comes first")
    func worst() throws {
        let layers = (1...3).map { layer in
            (0..<4).map { Member.file("f\($0)", String(repeating: "x", count: layer * ($0 + 1))) }
        }
        let waste = try waste(layers[0], layers[1], layers[2], most: 2)
        #expect(waste.worst == [path("f3", 3, 4 + 8), path("f2", 3, 3 + 6)])
        #expect(waste.wastedPaths == 4)
        #expect(waste.overwrittenFiles == 4)
    }

    @Test("a file with several names counts once, and is wasted with the last of them")
    func hardLinks() throws {
        let below: [Member] = [.file("b", "12345"), .hardLink("a", "b")]
        #expect(try waste(below).layers == [counts(1, 5, wasted: 0, 0)])
        #expect(try waste(below, [.whiteout("a")]).wastedBytes == 0)
        let gone = try waste(below, [.whiteout("a"), .whiteout("b")])
        #expect(gone.layers.first == counts(1, 5, wasted: 1, 5))
        #expect(gone.worst == [path("a", 1, 5, deleted: true)])
    }

    @Test("a file that a layer above linked elsewhere before it deleted the name is not wasted")
    func linkFromAbove() throws {
        let waste = try waste([.file("old", "12345")], [.hardLink("new", "old"), .whiteout("old")])
        #expect(waste.wastedBytes == 0 && waste.bytes == 5)
    }

    @Test("a layer that is listed twice counts once; what its second time shows again is not wasted")
    func repeatedLayer() throws {
        let waste = try waste([.file("f", "123")], [.file("f", "12345")], order: [0, 1, 0])
        #expect(waste.layers == [nil, counts(1, 5, wasted: 1, 5), counts(1, 3, wasted: 0, 0)])
        #expect(waste.worst == [path("f", 2, 5)])
    }

    @Test("a file written again through a link of the base is the same file")
    func throughLink() throws {
        let base: [Member] = [.directory("usr"), .directory("usr/lib"), .file("usr/lib/x", "123"), .symlink("lib", "usr/lib")]
        let waste = try waste(base, [.file("lib/x", "1234")])
        #expect(waste.wastedBytes == 3)
        #expect(waste.worst == [path("usr/lib/x", 2, 3)])
    }

    @Test("nothing, and files without content, are perfectly efficient")
    func empty() throws {
        #expect(try waste().score == 1)
        #expect(try waste([.file("a"), .symlink("l", "a")], [.whiteout("a")]).score == 1)
        #expect(try waste([.file("a")], [.whiteout("a")]).deletedFiles == 1)
    }

    @Test("random stacks: the naive model's count", arguments: 0..<4)
    func model(share: UInt64) throws {
        var compared = 0
        for seed in stride(from: 5_000_000 + share, to: 5_000_400, by: 4) {
            let stack = RandomStack(seed: seed)
            guard let expected = stack.waste() else { continue }
            let got = try withDirectory(inMemory: true) { directory in
                let unique = Set(stack.order).sorted()
                let extracted = try Stack(directory, unique.map { stack.layers[$0] })
                return try StackWaste.measure(stack.order.map { extracted.layers[unique.firstIndex(of: $0) ?? 0] })
            }
            #expect(got.layers == expected.layers, "seed \(seed):\n\(stack)")
            if let paths = expected.paths { #expect(Set(got.worst) == paths, "seed \(seed):\n\(stack)") }
            compared += 1
        }
        #expect(compared > 20)
    }
}
