// SPDX-License-Identifier: Apache-2.0

import Linux
import SystemPackage

/// The `rootfs` part of the engine's shim.json, so that a container of the engine can be replayed by hand.
struct OverlayFile: Decodable {
    var store: String
    var lowerdirs: [String]
    var upper: String?
    var work: String?
    var volatile: Bool?
    var memorySizeInBytes: UInt64?
    var memoryInodes: UInt64?
    /// "layers" or "options": forces one of the two ways to mount.
    var method: String?

    func mount() throws(CommandError) -> OverlayMount {
        let methods: [String: OverlayMount.Method] = ["automatic": .automatic, "layers": .layers, "options": .options]
        guard let method = methods[method ?? "automatic"] else { throw CommandError("unknown overlay method") }
        let upperdir: OverlayMount.Upper
        switch (upper, work) {
        case (let upper?, let work?):
            upperdir = .directories(upper: FilePath(upper), work: FilePath(work), volatile: volatile ?? false)
        case (nil, nil): upperdir = .memory(sizeInBytes: memorySizeInBytes, inodes: memoryInodes)
        default: throw CommandError("an overlay has both upper and work, or neither")
        }
        return OverlayMount(store: FilePath(store), lowerdirs: lowerdirs.map { FilePath($0) }, upper: upperdir, method: method)
    }
}
