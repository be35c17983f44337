// SPDX-License-Identifier: Apache-2.0

/// What a filter decides by a call's number and architecture alone, found by walking through it. Source: seccomp(2), `struct seccomp_data`.
struct SeccompDecisions {
    enum Decision: Hashable {
        case action(UInt32)
        /// The arguments count, too: the instruction that loads the first of them.
        case arguments(Int)
    }

    /// Calls from `first` on, to the next run's, of one architecture.
    struct Run {
        let first: UInt32
        let decision: Decision
    }

    let instructions: [BPFInstruction]
    /// Between two neighbours of these every comparison of the filter has one outcome.
    private let bounds: [UInt32]

    init(_ instructions: [BPFInstruction]) {
        self.instructions = instructions
        let values = instructions.filter { $0.comparison != nil }.map(\.value)
        bounds = Set([0] + values + values.map { $0 &+ 1 }).sorted()
    }

    /// The architectures that the filter tells apart, each with its calls, and what it decides about all others.
    /// - Returns: nil for a filter with instructions that libseccomp does not write.
    func architectures() -> (known: [(architecture: UInt32, runs: [Run])], unknown: Decision)? {
        guard let compared = comparedArchitectures(), let other = (1...UInt32.max).first(where: { !compared.contains($0) }),
            let rest = runs(of: other), rest.count == 1
        else { return nil }
        var known: [(UInt32, [Run])] = []
        for architecture in compared.sorted() {
            guard let runs = runs(of: architecture) else { return nil }
            if runs.map(\.decision) != [rest[0].decision] { known.append((architecture, runs)) }
        }
        return (known, rest[0].decision)
    }

    private struct Place: Hashable {
        var at: Int
        var held: Held
    }

    /// Every way through the filter up to the arguments.
    private func comparedArchitectures() -> Set<UInt32>? {
        var compared: Set<UInt32> = []
        var seen: Set<Place> = []
        var open = [Place(at: 0, held: .nothing)]
        while let place = open.popLast() {
            guard instructions.indices.contains(place.at) else { return nil }
            guard seen.insert(place).inserted else { continue }
            let instruction = instructions[place.at]
            switch (instruction.code, instruction.comparison) {
            case (BPFInstruction.load, _):
                guard instruction.value <= 4 else { continue }
                open.append(Place(at: place.at + 1, held: instruction.value == 0 ? .number : .architecture))
            case (BPFInstruction.return, _): continue
            case (BPFInstruction.jump, _): open.append(Place(at: place.at + 1 + Int(instruction.value), held: place.held))
            case (_, let comparison?):
                if place.held == .architecture, comparison == .equal { compared.insert(instruction.value) }
                for way in [instruction.then, instruction.otherwise] {
                    open.append(Place(at: place.at + 1 + Int(way), held: place.held))
                }
            default: return nil
            }
        }
        return compared
    }

    private func runs(of architecture: UInt32) -> [Run]? {
        var runs: [Run] = []
        for first in bounds {
            guard let decision = decision(about: first, architecture) else { return nil }
            if runs.last?.decision != decision { runs.append(Run(first: first, decision: decision)) }
        }
        return runs
    }

    private enum Held { case nothing, number, architecture }

    private func decision(about number: UInt32, _ architecture: UInt32) -> Decision? {
        var (at, held) = (0, Held.nothing)
        while instructions.indices.contains(at) {
            let instruction = instructions[at]
            switch (instruction.code, instruction.comparison) {
            case (BPFInstruction.load, _):
                switch instruction.value {
                case 0: held = .number
                case 4: held = .architecture
                default: return .arguments(at)
                }
                at += 1
            case (BPFInstruction.return, _): return .action(instruction.value)
            case (BPFInstruction.jump, _): at += 1 + Int(instruction.value)
            case (_, let comparison?):
                // Architectures have no order.
                guard held == .number || (held == .architecture && comparison == .equal) else { return nil }
                let holds = comparison.holds(held == .number ? number : architecture, instruction.value)
                at += 1 + Int(holds ? instruction.then : instruction.otherwise)
            default: return nil
            }
        }
        return nil
    }

    /// What follows from one instruction on, in its order, by itself.
    /// - Returns: nil where an instruction would be too far from where it leads.
    func tail(from start: Int) -> [BPFInstruction]? {
        var reached: Set<Int> = []
        var open = [start]
        while let at = open.popLast() {
            guard instructions.indices.contains(at), reached.insert(at).inserted else { continue }
            let instruction = instructions[at]
            if instruction.isReturn { continue }
            if instruction.code == BPFInstruction.jump {
                open.append(at + 1 + Int(instruction.value))
            } else if instruction.isBranch {
                open += [at + 1 + Int(instruction.then), at + 1 + Int(instruction.otherwise)]
            } else {
                open.append(at + 1)
            }
        }
        let order = reached.sorted()
        let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        func distance(_ from: Int, _ to: Int) -> Int? { places[to].map { $0 - from - 1 } }
        var tail: [BPFInstruction] = []
        for (place, at) in order.enumerated() {
            var instruction = instructions[at]
            if instruction.isReturn {
                // As it is.
            } else if instruction.code == BPFInstruction.jump {
                guard let away = distance(place, at + 1 + Int(instruction.value)) else { return nil }
                instruction.value = UInt32(away)
            } else if instruction.isBranch {
                guard let then = distance(place, at + 1 + Int(instruction.then)),
                    let otherwise = distance(place, at + 1 + Int(instruction.otherwise))
                else { return nil }
                (instruction.then, instruction.otherwise) = (UInt8(then), UInt8(otherwise))
            } else if distance(place, at + 1) != 0 {
                return nil
            }
            tail.append(instruction)
        }
        return tail
    }
}
