// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import OCI

extension ContainerService {
    /// Those that have run and ended, at least so long ago, the earliest end first. One that was created and never started is not among
    /// them: somebody may be about to.
    package func ended(forSeconds seconds: Int64) -> [Container] {
        guard let now = Timestamp.parse(Timestamp.now())?.seconds else { return [] }
        return index.all.compactMap { container -> (Container, Int64)? in
            let life = container.life
            guard life.phase == .stopped, !container.isRestartDue, let text = life.exit?.finishedAt,
                let end = Timestamp.parse(text)?.seconds,
                seconds == 0 || now - end >= seconds
            else { return nil }
            return (container, end)
        }.sorted { ($0.1, $0.0.id.text) < ($1.1, $1.0.id.text) }.map(\.0)
    }
}
