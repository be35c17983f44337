// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Layers
internal import OCI

extension FuzzTarget {
    enum Documents {
        /// What was read and written is read as the same, and written as the same bytes from then on.
        static func json(_ bytes: [UInt8]) throws(BrokenPromise) {
            guard let value = try? JSON.parse(bytes) else { return }
            for style in [JSON.Style.compact, .pretty] {
                do throws(JSONError) {
                    let written = try JSON.encode(value, style)
                    let again = try JSON.parse(written)
                    guard again == value, try JSON.encode(again, style) == written else {
                        throw JSONError("another value, or other bytes", at: String(decoding: written, as: UTF8.self))
                    }
                } catch {
                    throw BrokenPromise("written and read: \(error)")
                }
            }
        }

        static func document(_ bytes: [UInt8]) throws(BrokenPromise) {
            let document = try? ImageDocument.parse(bytes)
            let config = try? ImageConfig.parse(bytes)
            switch document {
            case .index(let index): try same(index) { (bytes) throws(DocumentError) in try ImageDocument.parse(bytes) == .index(index) }
            case .manifest(let manifest):
                try same(manifest) { (bytes) throws(DocumentError) in try ImageDocument.parse(bytes) == .manifest(manifest) }
            case nil: break
            }
            if let config { try same(config) { (bytes) throws(DocumentError) in try ImageConfig.parse(bytes) == config } }
            guard let value = try? JSON.parse(bytes), let platform = try? JSON.decode(Platform.self, from: value) else { return }
            _ = Platform.host.distance(to: platform)
            if let parsed = Platform(parsing: platform.description) {
                try promise(Platform(parsing: parsed.description) == parsed, "\(platform) is not itself when it is written and read")
            }
        }

        static func facts(_ bytes: [UInt8]) throws(BrokenPromise) {
            guard let facts = try? JSON.decode(LayerFacts.self, from: bytes) else { return }
            let again = try? JSON.decode(LayerFacts.self, from: JSON.encode(facts))
            try promise(again == facts, "\(facts)\nis not itself when it is written and read:\n\(String(describing: again))")
        }

        private static func same<Value: Encodable>(
            _ value: Value, _ isSame: ([UInt8]) throws(DocumentError) -> Bool
        ) throws(BrokenPromise) {
            guard let written = try? JSON.encode(value) else { throw BrokenPromise("\(value) can't be written") }
            let holds: Bool
            do throws(DocumentError) { holds = try isSame(written) } catch { throw BrokenPromise("\(value) can't be read again: \(error)") }
            try promise(holds, "\(value) is not itself when it is written and read")
        }
    }
}
