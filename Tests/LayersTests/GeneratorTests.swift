// SPDX-License-Identifier: Apache-2.0

import Linux
import Tar
import Testing

/// A model-based test is worth what its stacks meet.
@Suite struct GeneratorTests {
    /// What an entry of a layer, seen with its layer and the ones below, is an example of.
    enum Oddity: String, CaseIterable {
        case missingParent, deepImplied, listedAfterItsChildren, repeated, anotherKindInOneLayer, anotherKindAcrossLayers
        case whiteout, whiteoutAfterItsName, opaque, opaqueNotFirst, rename
        case linkInLayer, linkToLower, linkToDeleted
        case attribute, capability, sparse, longName, owner, fraction, device, deepOrLongLink
    }

    private static func traits(_ layer: [Member], below: ModelTree) -> Set<Oddity> {
        var traits: Set<Oddity> = []
        let lower = below.listing()
        let names = layer.map { ModelTree.components($0.entry.path).map { shown($0) } }
        let listed = Set(names.map { $0.joined(separator: "/") })
        for (index, member) in layer.enumerated() {
            let name = names[index]
            let path = name.joined(separator: "/")
            let before = names[..<index].map { $0.joined(separator: "/") }
            let parents = name.indices.dropFirst().map { name[..<$0].joined(separator: "/") }
            if parents.contains(where: { !listed.contains($0) }) { traits.insert(.missingParent) }
            if parents.filter({ !listed.contains($0) }).count >= 4 { traits.insert(.deepImplied) }
            if member.entry.kind == .directory, before.contains(where: { $0.hasPrefix(path + "/") }) {
                traits.insert(.listedAfterItsChildren)
            }
            for (other, earlier) in zip(layer, before) where earlier == path {
                traits.insert(other.entry.kind == member.entry.kind ? .repeated : .anotherKindInOneLayer)
            }
            if let there = lower[path], member.entry.kind == .directory || member.entry.kind == .file {
                if (there.kind == .directory) != (member.entry.kind == .directory) { traits.insert(.anotherKindAcrossLayers) }
            }
            let last = name.last ?? ""
            if last == ".wh..wh..opq" {
                traits.formUnion(before.contains { $0.hasPrefix(path.dropLast(last.count)) } ? [.opaque, .opaqueNotFirst] : [.opaque])
            } else if last.hasPrefix(".wh.") {
                let deleted = (name.dropLast() + [String(last.dropFirst(4))]).joined(separator: "/")
                traits.insert(.whiteout)
                if before.contains(deleted) { traits.insert(.whiteoutAfterItsName) }
                let content = lower[deleted]?.content ?? []
                if !content.isEmpty, layer.contains(where: { $0.wholeContent == content }) { traits.insert(.rename) }
            } else {
                traits.formUnion(own(member, listed: listed, lower: lower))
            }
        }
        return traits
    }

    private static func own(_ member: Member, listed: Set<String>, lower: Listing) -> Set<Oddity> {
        let entry = member.entry
        var traits: Set<Oddity> = []
        if entry.kind == .hardLink {
            let target = ModelTree.components(entry.linkTarget).map { shown($0) }
            let path = target.joined(separator: "/")
            let deletion = (target.dropLast() + [".wh." + (target.last ?? "")]).joined(separator: "/")
            if listed.contains(path) { traits.insert(.linkInLayer) } else if lower[path] != nil { traits.insert(.linkToLower) }
            if lower[path] != nil, listed.contains(deletion) { traits.insert(.linkToDeleted) }
            if target.count > 4 || path.utf8.count > 100 { traits.insert(.deepOrLongLink) }
        }
        if !entry.attributes.isEmpty { traits.insert(.attribute) }
        if entry.attributes.contains(where: { $0.value == StackGenerator.capability }) { traits.insert(.capability) }
        if entry.sparse != nil { traits.insert(.sparse) }
        if entry.path.count > 100 { traits.insert(.longName) }
        if entry.uid > 65_535 { traits.insert(.owner) }
        if entry.modifiedNanoseconds > 0 { traits.insert(.fraction) }
        if entry.kind == .characterDevice || entry.kind == .blockDevice { traits.insert(.device) }
        return traits
    }

    @Test(
        "every oddity that layers can have is met in a hundred random stacks of ten thousand at least, layers that come twice, and refusals"
    )
    func everything() {
        var seen: [Oddity: Int] = [:]
        var (repeatedLayers, refused) = (0, 0)
        let count = 2000
        for seed in 1...UInt64(count) {
            let stack = RandomStack(seed: seed)
            var model = ModelTree()
            var traits: Set<Oddity> = []
            if Set(stack.order).count < stack.order.count { repeatedLayers += 1 }
            for layer in stack.order {
                traits.formUnion(Self.traits(stack.layers[layer], below: model))
                if (try? model.apply(stack.layers[layer])) == nil {
                    refused += 1
                    break
                }
            }
            for trait in traits { seen[trait, default: 0] += 1 }
        }
        for trait in Oddity.allCases { #expect(seen[trait, default: 0] >= count / 100, "\(trait)") }
        #expect(repeatedLayers >= count / 100)
        #expect(refused >= count / 100)
    }
}
