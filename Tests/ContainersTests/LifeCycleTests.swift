// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Testing

@Suite struct LifeCycleTests {
    private static func record(_ code: Int) -> ExitRecord { ExitRecord(exitCode: code, startedAt: "a", finishedAt: "b") }

    private static func running() throws -> LifeCycle {
        var life = LifeCycle()
        try life.beginStart()
        life.started()
        return life
    }

    /// Runs and ends, the monitor included.
    private static func ended(_ code: Int = 0) throws -> LifeCycle {
        var life = try running()
        _ = life.exited(record(code))
        life.shimGone()
        return life
    }

    @Test("a life from creation to removal, and what it is called on the way")
    func life() throws {
        var life = LifeCycle()
        #expect(life.state == .created && !life.isLive && !life.hasShim)
        try life.beginStart()
        #expect(life.state == .created && life.isLive && life.hasShim)
        life.started()
        #expect(life.state == .running && life.isLive)
        life.beginStop()
        #expect(life.state == .stopping && life.isLive)
        let isNews = life.exited(Self.record(143))
        #expect(isNews)
        #expect(life.state == .stopped && !life.isLive && life.hasShim)
        life.shimGone()
        try life.beginRemove()
        #expect(life.state == .removing)
    }

    @Test("what runs, or is about to, is not started a second time")
    func startTwice() throws {
        var starting = LifeCycle()
        try starting.beginStart()
        #expect(throws: LifeCycle.Refusal.alreadyRunning) { try starting.beginStart() }
        var running = try Self.running()
        #expect(throws: LifeCycle.Refusal.alreadyRunning) { try running.beginStart() }
        running.beginStop()
        #expect(throws: LifeCycle.Refusal.wrongState(.stopping)) { try running.beginStart() }
    }

    @Test("an ended container is neither started nor removed while its monitor is there")
    func monitorFirst() throws {
        var life = try Self.running()
        _ = life.exited(Self.record(0))
        #expect(throws: LifeCycle.Refusal.wrongState(.stopping)) { try life.beginStart() }
        #expect(throws: LifeCycle.Refusal.wrongState(.stopping)) { try life.beginRemove() }
        life.shimGone()
        try life.beginStart()
        #expect(life.exit == nil)
    }

    @Test("a running container is not removed")
    func removeRunning() throws {
        var life = try Self.running()
        #expect(throws: LifeCycle.Refusal.wrongState(.running)) { try life.beginRemove() }
        life.beginStop()
        #expect(throws: LifeCycle.Refusal.wrongState(.stopping)) { try life.beginRemove() }
    }

    @Test("the first end counts; a second one is no news")
    func oneEnd() throws {
        var life = try Self.running()
        let news = [life.exited(Self.record(3)), life.exited(Self.record(137))]
        #expect(news == [true, false])
        #expect(life.exit?.exitCode == 3)
    }

    @Test("a start that fails leaves things as they were: created, or stopped with its end")
    func failedStart() throws {
        var fresh = LifeCycle()
        try fresh.beginStart()
        fresh.startFailed()
        #expect(fresh.state == .created && fresh.exit == nil && !fresh.hasShim)
        var old = try Self.ended(3)
        try old.beginStart()
        #expect(old.exit == nil)
        old.startFailed()
        #expect(old.state == .stopped && old.exit?.exitCode == 3 && !old.hasShim)
        try old.beginStart()
    }

    @Test("a stop that is given up leaves one that runs, where nobody else stops it")
    func stopGivenUp() throws {
        var life = try Self.running()
        life.beginStop()
        life.beginStop()
        life.stopGivenUp()
        #expect(life.state == .stopping && life.canBeEntered)
        life.stopGivenUp()
        #expect(life.state == .running)
        life.beginStop()
        _ = life.exited(Self.record(0))
        life.stopGivenUp()
        #expect(life.state == .stopped)
    }

    @Test("a removal that fails leaves things as they were")
    func failedRemoval() throws {
        var fresh = LifeCycle()
        try fresh.beginRemove()
        #expect(throws: LifeCycle.Refusal.wrongState(.removing)) { try fresh.beginRemove() }
        #expect(throws: LifeCycle.Refusal.wrongState(.removing)) { try fresh.beginStart() }
        fresh.removeFailed()
        #expect(fresh.state == .created)
        var old = try Self.ended(3)
        try old.beginRemove()
        old.removeFailed()
        #expect(old.state == .stopped && old.exit?.exitCode == 3)
    }

    @Test("the files of one that does not run have many readers or one writer, and nobody starts or removes it meanwhile")
    func files() throws {
        for life in [LifeCycle(), try Self.ended()] {
            var life = life
            #expect(try life.beginFiles(writing: false) == .reading)
            #expect(try life.beginFiles(writing: false) == .reading)
            #expect(throws: LifeCycle.Refusal.filesInUse) { try life.beginFiles(writing: true) }
            life.endFiles(.reading)
            #expect(throws: LifeCycle.Refusal.filesInUse) { try life.beginStart() }
            life.endFiles(.reading)
            #expect(try life.beginFiles(writing: true) == .writing)
            for writing in [true, false] { #expect(throws: LifeCycle.Refusal.filesInUse) { try life.beginFiles(writing: writing) } }
            #expect(throws: LifeCycle.Refusal.filesInUse) { try life.beginRemove() }
            life.endFiles(.writing)
            try life.beginStart()
            #expect(throws: LifeCycle.Refusal.wrongState(.created)) { try life.beginFiles(writing: false) }
        }
    }

    @Test("the files of one that runs are its own root's; a new start waits for the last who has the old one")
    func liveFiles() throws {
        var life = try Self.running()
        for writing in [true, false, true] { #expect(try life.beginFiles(writing: writing) == .live) }
        _ = life.exited(Self.record(0))
        #expect(throws: LifeCycle.Refusal.wrongState(.stopping)) { try life.beginFiles(writing: false) }
        life.shimGone()
        #expect(throws: LifeCycle.Refusal.filesInUse) { try life.beginFiles(writing: true) }
        #expect(throws: LifeCycle.Refusal.filesInUse) { try life.beginStart() }
        for _ in 0..<3 { life.endFiles(.live) }
        try life.beginStart()
    }
}
