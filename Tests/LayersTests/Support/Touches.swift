// SPDX-License-Identifier: Apache-2.0

/// A name that an entry of a layer changes.
struct Touch {
    /// As the entry has it.
    var spelled: [[UInt8]]
    /// Where that is, links followed.
    var place: [[UInt8]]
    /// The links of lower layers on the way.
    var followed: [[[UInt8]]]
    var isMark = false
    var isOpaque = false
    var isDirectory = false
    /// A directory that is there already only gets its attributes.
    var merges = false

    /// The links of the layer itself on the way, and whether one of a lower layer led there.
    var ownLinks: [(place: [[UInt8]], behindOther: Bool)]

    init(spelled: [[UInt8]], name: [UInt8]?, in place: ModelTree.Place) {
        self.spelled = spelled
        self.place = place.path + (name.map { [$0] } ?? [])
        followed = place.followed
        ownLinks = place.ownLinks
    }
}

/// Finds entries of one layer whose meaning depends on their order only because of a link in a lower layer: `lib/x` and `usr/lib/x` where
/// lib is a link. Extraction of the layer alone can't know; no tool writes such layers.
struct Touches {
    private var all: [Touch] = []

    mutating func add(_ touch: Touch) throws(ModelRefusal) {
        for other in all where Self.conflict(other, touch) { throw .ambiguous("two ways to one place") }
        for link in touch.ownLinks {
            let isKnown = all.contains { other in
                other.place == link.place && (touch.spelled.starts(with: other.spelled) || other.followed.isEmpty && !link.behindOther)
            }
            if !isKnown { throw .ambiguous("a link of the layer by another way") }
        }
        all.append(touch)
    }

    func wasMade(_ place: [[UInt8]], by spelling: [[UInt8]]) -> Bool { all.contains { $0.place == place && $0.spelled == spelling } }

    private static func conflict(_ one: Touch, _ other: Touch) -> Bool {
        // A deletion below what the layer itself says is no directory.
        if one.isMark && !other.isMark && !other.isDirectory, one.spelled.starts(with: other.spelled) {
            if one.isOpaque || one.spelled != other.spelled { return true }
        }
        // A link that led somewhere is itself changed.
        if one.followed.contains(other.place) || other.followed.contains(one.place) { return true }
        if one.followed.isEmpty && other.followed.isEmpty { return false }
        let (outer, inner) = one.place.count <= other.place.count ? (one, other) : (other, one)
        guard inner.place.starts(with: outer.place) else { return false }
        return !inner.spelled.starts(with: outer.spelled) && !outer.merges
    }
}
