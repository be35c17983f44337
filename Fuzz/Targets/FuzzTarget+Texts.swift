// SPDX-License-Identifier: Apache-2.0

internal import OCI
internal import Registry

extension FuzzTarget {
    enum Texts {
        /// However a reference is written out, it is the same one when it is read.
        static func reference(_ bytes: [UInt8]) throws(BrokenPromise) {
            guard let text = String(validating: bytes, as: UTF8.self), let reference = try? ImageReference(parsing: text) else { return }
            for form in [reference.canonical, reference.familiar, "\(reference)"] {
                let again = try? ImageReference(parsing: form)
                try promise(again == reference, "\"\(text)\" is written \"\(form)\", which is \(String(describing: again))")
            }
            for name in [reference.name, reference.familiarName] {
                let again = try? ImageReference(parsing: name)
                try promise(again?.name == reference.name, "\"\(text)\" is named \"\(name)\", which is \(String(describing: again))")
            }
            // What a URL or a path is made of leads nowhere else.
            let name = reference.name
            try promise(!name.contains("..") && !name.contains("//") && reference.tag?.contains("/") != true, "\"\(name)\" leads elsewhere")
        }

        static func header(_ bytes: [UInt8]) throws(BrokenPromise) {
            let text = String(decoding: bytes, as: UTF8.self)
            let challenges = Challenge.parse(text)
            try promise(Challenge.parse(written(challenges)) == challenges, "\(challenges) are others when they are written and read")
            if let range = ContentRange(text) {
                try promise(range.first >= 0 && range.first <= range.last && range.last < range.total ?? .max, "\(range)")
            }
            if let base = WebAddress("https://registry.example:5000/v2/a/b?c=d") {
                for address in [WebAddress(text), base.resolving(text)].compactMap({ $0 }) {
                    try promise(WebAddress("\(address)") == address, "\(address) is another when it is written and read")
                }
            }
        }

        private static func written(_ challenges: [Challenge]) -> String {
            challenges.map { challenge in
                let parameters = challenge.parameters.map { key, value in
                    let quoted = value.utf8.flatMap {
                        $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") ? [UInt8(ascii: "\\"), $0] : [$0]
                    }
                    return "\(key)=\"\(String(decoding: quoted, as: UTF8.self))\""
                }
                return challenge.scheme.rawValue + " " + parameters.joined(separator: ", ")
            }
            .joined(separator: ", ")
        }
    }
}
