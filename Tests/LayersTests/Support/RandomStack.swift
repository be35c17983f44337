// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import SystemPackage
import Tar

/// Layers, and the order in which an image lists them; a layer may be listed more than once.
struct RandomStack {
    var layers: [[Member]]
    var order: [Int]

    init(seed: UInt64) {
        var generator = StackGenerator(seed: seed)
        (layers, order) = generator.stack()
    }

    /// What the model foretells; nil where the order of a layer's entries would have to be known.
    private func expected() -> Result<Listing, ModelRefusal>? {
        var model = ModelTree()
        for layer in order {
            do throws(ModelRefusal) { try model.apply(layers[layer]) } catch {
                if case .ambiguous = error { return nil }
                return .failure(error)
            }
        }
        return .success(model.listing())
    }

    /// What the stack becomes on disk; nil where it is refused.
    private func got(_ directory: FilePath) throws -> (tree: Listing, looked: Listing)? {
        do {
            let unique = Set(order).sorted()
            let extracted = try Stack(directory, unique.map { layers[$0] })
            var stack = Stack(directory)
            stack.layers = order.compactMap { layer in unique.firstIndex(of: layer).map { extracted.layers[$0] } }
            let lowerdirs = try stack.lowerdirs()
            let tree = try Stack.withOverlay(of: lowerdirs, in: directory) { try list($0) }
            return (tree, try lookUp(tree, MergedTree(lowerdirs: lowerdirs)))
        } catch let error as LayerError {
            if case .kernel = error { throw error }
            return nil
        }
    }

    /// The same tree, as it is looked into without a mount: what can be told of it there.
    private func lookUp(_ tree: Listing, _ merged: MergedTree) throws -> Listing {
        var listing = tree
        for path in tree.keys {
            let status = try merged.lookup(LayerPath(bytes: Array(path.utf8)))?.status
            guard let status else {
                listing[path] = nil
                continue
            }
            listing[path]?.kind = status.kind
            listing[path]?.mode = status.permissions
            listing[path]?.uid = status.uid
            listing[path]?.time = status.modified
        }
        return listing
    }

    /// How model and mount differ; nil where they don't.
    func failure() throws -> ModelFailure? {
        guard let expected = expected() else { return nil }
        return try withDirectory(inMemory: true) { directory in
            switch (expected, Result(catching: { try got(directory) })) {
            case (_, .failure(let error)): return ModelFailure(kind: .error, text: "\(error)")
            case (.failure, .success(nil)): return nil
            case (.failure(let refusal), .success): return ModelFailure(kind: .taken, text: "\(refusal)")
            case (.success, .success(nil)): return ModelFailure(kind: .refused, text: "")
            case (.success(let expected), .success(let got?)):
                let lines = differences(expected: expected, got: got.tree) + differences(expected: got.tree, got: got.looked)
                return lines.isEmpty ? nil : ModelFailure(kind: .differs, text: lines.joined(separator: "\n"))
            }
        }
    }

    // MARK: Shrinking

    /// A stack that fails in the same way, of which nothing can be taken away.
    func shrunk(_ kind: ModelFailure.Kind) throws -> RandomStack {
        var smallest = self
        var goesOn = true
        while goesOn {
            goesOn = false
            for candidate in smallest.smaller() where try candidate.failure()?.kind == kind {
                smallest = candidate
                goesOn = true
                break
            }
        }
        return smallest
    }

    private func smaller() -> [RandomStack] {
        var candidates: [RandomStack] = []
        func offer(_ change: (inout RandomStack) -> Void) {
            var candidate = self
            change(&candidate)
            candidates.append(candidate)
        }
        for place in order.indices { offer { $0.order.remove(at: place) } }
        for layer in Set(order).sorted() {
            for index in layers[layer].indices { offer { $0.layers[layer].remove(at: index) } }
            for (index, member) in layers[layer].enumerated() where member.simplified() != member {
                offer { $0.layers[layer][index] = member.simplified() }
            }
        }
        return candidates.filter { !$0.order.isEmpty }
    }
}

struct ModelFailure {
    enum Kind { case error, taken, refused, differs }
    var kind: Kind
    var text: String
}

extension RandomStack: CustomStringConvertible {
    var description: String {
        order.map { "layer \($0):\n" + layers[$0].map { "  \($0)\n" }.joined() }.joined()
    }
}

extension Member {
    fileprivate func simplified() -> Member {
        var member = with {
            ($0.uid, $0.gid, $0.modifiedSeconds, $0.modifiedNanoseconds, $0.attributes) = (0, 0, 0, 0, [])
            $0.mode = $0.kind == .directory ? 0o755 : 0o644
            $0.size = 0
        }
        member.content = []
        return member
    }
}
