// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import SystemPackage
import Tar
import Testing

/// Layers extracted alone, put together as an image, and seen through a real overlay mount.
struct Stack {
    let directory: FilePath
    /// From the lowest up; a repeated layer at each of its places.
    var layers: [StackedLayer] = []

    init(_ directory: FilePath) { self.directory = directory }

    /// Extracts layers, each into a directory of its own.
    init(_ directory: FilePath, _ layers: [[Member]]) throws {
        self.init(directory)
        for layer in layers { try add(layer) }
    }

    mutating func add(_ members: [Member]) throws { try add(archive(members)) }

    mutating func add(_ tar: [UInt8]) throws {
        let place = try makeDirectory(directory.appending("layer\(layers.count)"))
        layers.append(StackedLayer(facts: try extract(tar, into: place), directory: place))
    }

    /// From the uppermost down, as they are mounted: the fix-up layer where one is needed, each layer at its uppermost place.
    func lowerdirs() throws -> [FilePath] {
        let fixup = directory.appending("fixup")
        try removeTree(fixup)
        try makeDirectory(fixup, mode: 0o755)
        let isNeeded = try FixupBuilder.build(stack: layers, into: fixup)
        if !isNeeded { #expect(try openFile(fixup, O_RDONLY | O_DIRECTORY).entries(of: "fixup").isEmpty) }
        var seen: Set<FilePath> = []
        return (isNeeded ? [fixup] : []) + layers.reversed().map(\.directory).filter { seen.insert($0).inserted }
    }

    /// Mounts and lists. The mount is attached nowhere and is gone afterwards.
    func merged() throws -> Listing { try Self.withOverlay(of: try lowerdirs(), in: directory) { try list($0) } }

    /// Without an upper: the root then shows the uppermost layer's attributes, as the store gives them to an upper. An empty layer
    /// at the bottom stands for the upper in that the root is always merged.
    static func withOverlay<Value>(of lowerdirs: [FilePath], in directory: FilePath, _ body: (borrowing OwnedFD) throws -> Value) throws
        -> Value
    {
        let context = try FilesystemContext("overlay")
        for lower in lowerdirs + [try makeDirectory(directory.appending("empty"))] { try context.set("lowerdir+", lower) }
        let mount = try context.mount()
        return try body(mount.descriptor)
    }
}

/// The merged tree of these layers.
@discardableResult
func merge(_ layers: [Member]...) throws -> Listing {
    try withDirectory { directory in try Stack(directory, layers).merged() }
}
