// SPDX-License-Identifier: Apache-2.0

/// Where in a document a value stands. Made on the way down, at the cost of one link a level; spelt only where it is asked for.
indirect enum JSONPlace {
    case root
    case member(of: JSONPlace, any CodingKey)

    static func item(_ index: Int, of parent: JSONPlace) -> JSONPlace { .member(of: parent, JSONKey(intValue: index)) }

    /// From the outermost in.
    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var place = self
        while case .member(let parent, let key) = place {
            keys.append(key)
            place = parent
        }
        return keys.reversed()
    }

    /// "layers[2].size"
    var text: String { JSONError.path(keys) }
}
