// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import OCI
import SystemPackage
import Tar

/// Layers, and the order in which an image lists them; a layer may be listed more than once.
struct RandomStack {
    var layers: [[Member]]
    var order: [Int]
    /// A defect, for tests of the tests: what it makes of the mounted tree is taken for what was mounted.
    var defect: @Sendable (inout Listing) -> Void = { _ in }

    init(layers: [[Member]]) {
        self.layers = layers
        order = Array(layers.indices)
    }

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
            var tree = try Stack.withOverlay(of: lowerdirs, in: directory) { try list($0) }
            let looked = try lookUp(tree, MergedTree(lowerdirs: lowerdirs))
            defect(&tree)
            return (tree, looked)
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
